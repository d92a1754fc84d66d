//! CSV files of labels: every bad line is told at once.

use super::{accounts, open, picture, png, read_one};
use std::fs;
use std::path::Path;

/// Makes the files 0.png … 29.png beside the table.
fn prepare(root: &Path) {
    fs::create_dir(root.join("pictures")).unwrap();
    for number in 0..30 {
        fs::write(root.join(format!("pictures/{number}.png")), png(&picture(4, 4))).unwrap();
    }
}

/// What opening the table says; class names if it can be used.
fn says(root: &Path, table: &[u8], keys: &str) -> String {
    fs::write(root.join("labels.csv"), table).unwrap();
    let text = format!("format = 'manifest'\npath = 'labels.csv'\nroot = 'pictures'\n{keys}");
    open(&text, root).map_or_else(
        |message| message,
        |source| {
            assert!(accounts(&*source));
            format!("classes {}", source.classes().join(" "))
        },
    )
}

#[test]
fn names_numbers_marks_and_line_ends_are_understood() {
    let root = tempfile::tempdir().unwrap();
    prepare(root.path());
    let path = root.path();
    assert_eq!(says(path, b"path,label\n0.png,dog\n1.png,cat\n", ""), "classes cat dog");
    assert_eq!(says(path, b"\xef\xbb\xbfpath,label\r\n0.png,1\r\n1.png,0\r\n", ""), "classes 0 1");
    assert_eq!(says(path, b"id,label,path\n7,\"a, b\",0.png\n8,c,\"1.png\"\n", ""), "classes a, b c");
    assert_eq!(says(path, b"path,label\n0.png,1\n1.png,0\n", "classes = ['cat', 'dog']"), "classes cat dog");
    assert_eq!(says(path, b"path,label\n0.png,dog\n1.png,cat\n", "classes = ['dog', 'cat']"), "classes dog cat");
    let source = open("format = 'manifest'\npath = 'labels.csv'\nroot = 'pictures'\nclasses = ['dog', 'cat']", path).unwrap();
    assert_eq!(read_one(&*source, "1.png").unwrap().sample.label, 1);
}

#[test]
fn bad_lines_are_listed_with_their_number_and_reason() {
    let root = tempfile::tempdir().unwrap();
    prepare(root.path());
    let numbers =
        b"path,label\n0.png,0\n1.png,1\n2.png,NaN\n3.png,\n4.png,-1\n5.png,99999999\n6.png,1.5\n7.png\n8.png,1,2\n0.png,1\n,1\n\
        missing.png,0\n";
    let message = says(root.path(), numbers, "");
    for words in [
        "11 bad lines",
        "line 4: the label \"NaN\"",
        "line 5: no label",
        "line 6: the label \"-1\"",
        "line 7: the label \"99999999\"",
        "line 8: the label \"1.5\"",
        "line 9: 1 columns where the first line has 2",
        "line 10: 3 columns",
        "line 11: 0.png is in line 2 already",
        "line 12: no path",
    ] {
        assert!(message.contains(words) || words == "11 bad lines", "{words} in\n{message}");
    }
    assert!(message.contains("10 bad lines") && message.contains("line 13: missing.png: No such file"), "{message}");
    let names = says(root.path(), b"path,label\n0.png,a\n1.png,b\n2.png,nan\n3.png,inf\n4.png,\xff\n5.png,-3.5\n", "");
    assert!(names.contains("4 bad lines") && names.contains("a number among names") && names.contains("not UTF-8"), "{names}");
    let given = says(root.path(), b"path,label\n0.png,a\n1.png,c\n", "classes = ['a', 'b']");
    assert!(given.contains("line 3: the label \"c\" is none of the classes given"), "{given}");
    let range = says(root.path(), b"path,label\n0.png,0\n1.png,2\n", "classes = ['a', 'b']");
    assert!(range.contains("no whole number from 0 to 1"), "{range}");
}

#[test]
fn the_first_ten_lines_are_listed_and_all_counted() {
    let root = tempfile::tempdir().unwrap();
    prepare(root.path());
    let table: String = (0..25).map(|number| format!("gone{number}.png,a\n")).collect();
    let message = says(root.path(), format!("path,label\n0.png,b\n{table}").as_bytes(), "");
    assert!(message.contains("25 bad lines") && message.lines().filter(|line| line.contains("  line ")).count() == 10, "{message}");
}

#[test]
fn tables_without_columns_or_lines_are_refused() {
    let root = tempfile::tempdir().unwrap();
    prepare(root.path());
    assert!(says(root.path(), b"", "").contains("does not begin with a line that names the columns"));
    assert!(says(root.path(), b"file,class\n0.png,a\n", "").contains("names the columns path and label"));
    assert!(says(root.path(), b"path,label\n", "").contains("no class"));
    assert!(says(root.path(), b"path,label\n0.png,a\n1.png,a\n", "").contains("only one class"));
    assert!(says(root.path(), b"path,label\n0.png,0\n1.png,2\n", "").contains("no sample in class `1`"));
    assert!(says(root.path(), b"path,label\n.,a\n1.png,b\n", "").contains(". is no file"));
    assert!(open("format = 'manifest'\npath = 'gone.csv'", root.path()).err().unwrap().contains("cannot read"));
}
