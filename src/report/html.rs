//! What all pages are made of: escaped text, tables, the frame around a page. No scripts, nothing from elsewhere. Knows no report.

use super::words::printable;

/// Foreign text as HTML text or as a value in double quotes: nothing in it is markup, and nothing steers the writing. Ends of lines
/// stay.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for symbol in text.chars() {
        match symbol {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '"' => safe += "&quot;",
            '\'' => safe += "&#39;",
            '\n' => safe.push('\n'),
            other => safe += &printable(other.encode_utf8(&mut [0; 4])),
        }
    }
    safe
}

/// A table of foreign text whose first column names its rows; where it is too wide, it scrolls, by keyboard too.
pub fn table(caption: &str, titles: &[&str], rows: &[Vec<String>]) -> String {
    let head: String = titles.iter().map(|title| format!("<th scope=\"col\">{}</th>", escaped(title))).collect();
    let cell = |(place, cell): (usize, &String)| match place {
        0 => format!("<th scope=\"row\">{}</th>", escaped(cell)),
        _ => format!("<td>{}</td>", escaped(cell)),
    };
    let row = |row: &Vec<String>| format!("<tr>{}</tr>\n", row.iter().enumerate().map(cell).collect::<String>());
    let body: String = rows.iter().map(row).collect();
    scrolling(caption, &format!("<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n"))
}

/// A table whose inside is HTML.
pub fn scrolling(caption: &str, inside: &str) -> String {
    let caption = escaped(caption);
    format!(
        "<div class=\"wide\" role=\"region\" aria-label=\"{caption}\" tabindex=\"0\">\n<table>\n<caption>{caption}</caption>\n\
         {inside}</table>\n</div>\n"
    )
}

/// A whole page. `title` is foreign text; `style` is CSS; `header` and `main` are HTML. The first link leads to the main part.
pub fn frame(title: &str, style: &str, header: &str, main: &str) -> String {
    let title = escaped(title);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>\n{style}</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the contents</a>\n\
         <header>\n<h1>{title}</h1>\n{header}</header>\n<main id=\"main\">\n{main}</main>\n</body>\n</html>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_is_never_markup() {
        assert_eq!(escaped("<script>\"&'\u{202e}x\n"), "&lt;script&gt;&quot;&amp;&#39;\\u{202e}x\n");
        let text = "\"><script>".to_owned();
        let page = frame(&text, "", "", &table(&text, &[&text], &[vec![text.clone(), text.clone()]]));
        assert!(!page.contains("<script") && page.matches("&lt;script&gt;").count() == 7, "{page}");
    }
}
