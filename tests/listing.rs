//! What listing a folder costs in memory: counted by the allocator. Alone in its program, because the allocator counts for all.
//!
//! `AUGPIPE_FILES=1000000 cargo test --release --test listing -- --nocapture` does it with a million files, in `$TMPDIR`.

use augpipe::config::{Fields, Problems};
use augpipe::source;
use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;
use std::sync::atomic::{AtomicIsize, Ordering};
use std::time::Instant;

/// The system's allocator, counting bytes that are held, and the most that ever were.
struct Counting;

static HELD: AtomicIsize = AtomicIsize::new(0);
static MOST: AtomicIsize = AtomicIsize::new(0);

fn count(bytes: isize) {
    let held = HELD.fetch_add(bytes, Ordering::Relaxed) + bytes;
    MOST.fetch_max(held, Ordering::Relaxed);
}

// SAFETY: every call is handed to the system's allocator as it came; counting touches atomics only.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize - layout.size() as isize);
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_listing_takes_less_than_200_bytes_a_file_and_its_name() {
    let files: usize = std::env::var("AUGPIPE_FILES").map_or(20_000, |files| files.parse().expect("a number of files"));
    let place = tempfile::tempdir().unwrap();
    let mut names = 0;
    for class in 0..4 {
        let folder = place.path().join(format!("class{class}"));
        fs::create_dir(&folder).unwrap();
        for number in 0..files / 4 {
            let name = format!("picture-{number:07}.jpg");
            names += "class0/".len() + name.len();
            fs::write(folder.join(name), b"").unwrap();
        }
    }
    let problems = Problems::default();
    let fields = Fields::parse(&format!("format = 'image_folder'\npath = '{}'", place.path().display()), &problems).unwrap();
    let spec = source::read(&fields, place.path()).unwrap();
    let before = HELD.load(Ordering::Relaxed);
    MOST.store(before, Ordering::Relaxed);
    let began = Instant::now();
    let source = spec.open().unwrap_or_else(|error| panic!("{error}"));
    let seconds = began.elapsed().as_secs_f64();
    let [held, most] = [&HELD, &MOST].map(|bytes| (bytes.load(Ordering::Relaxed) - before) as usize);
    assert_eq!(source.len(), files);
    let beside = |bytes: usize| bytes.saturating_sub(names) / files;
    println!("{files} files listed in {seconds:.2} s: {} bytes each beside the name, {} while listing", beside(held), beside(most));
    assert!(held >= names + 16 * files, "the names are not in memory: {held}");
    assert!(held <= names + 200 * files, "{held} bytes for {files} files and {names} bytes of names");
    assert!(most <= names + 200 * files, "{most} bytes while listing {files} files with {names} bytes of names");
}
