//! A source whose pictures are decoded once and kept: in memory, or in a file without a name that is gone with the process. Changes no
//! pixel: what does not fit, or is refused, is read anew each time.

use super::{Census, Read, Source};
use crate::pixels::decode::{GIANT_PIXELS, Note, Turn};
use crate::sample::{BadSample, Identity, Image, Sample, Size};
use rustix::fs::{Mode, OFlags};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where decoded pictures are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keep {
    /// In the process's memory.
    Memory,
    /// In a file without a name in this folder, which is made where it is missing.
    Disk(PathBuf),
}

/// What is kept of a picture beside its pixels, whether it is kept or not.
pub const BESIDE: u64 = 96;

/// `source`, with up to `room` bytes of its decoded pictures kept.
pub fn cached(source: Box<dyn Source>, keep: Keep, room: u64) -> Box<dyn Source> {
    let renditions = renditions(&*source);
    let cells = (0..source.len() * renditions).map(|_| OnceLock::new()).collect();
    let (spill, used) = (OnceLock::new(), AtomicU64::new(0));
    Box::new(Cached { source, renditions, cells, keep, room, used, spill })
}

/// Different renditions of a sample that [`cached`] keeps.
pub fn renditions(source: &dyn Source) -> usize {
    source.variants() + usize::from(source.evaluates_apart())
}

/// A picture that was kept.
struct Kept {
    size: Size,
    notes: Vec<Note>,
    pixels: Pixels,
}

enum Pixels {
    Here(Box<[u8]>),
    /// Where they begin in the file.
    There(u64),
}

struct Cached {
    source: Box<dyn Source>,
    renditions: usize,
    cells: Vec<OnceLock<Kept>>,
    keep: Keep,
    /// Bytes that may be kept, and those that are.
    room: u64,
    used: AtomicU64,
    /// Opened with the first picture; none where it cannot be.
    spill: OnceLock<Option<File>>,
}

impl Cached {
    fn read_rendition(
        &self,
        index: usize,
        rendition: usize,
        read: impl FnOnce() -> Result<Read, BadSample>,
    ) -> Result<Read, BadSample> {
        let cell = &self.cells[index * self.renditions + rendition];
        if let Some(found) = cell.get().and_then(|kept| self.again(index, kept)) {
            return Ok(found);
        }
        let fresh = read()?;
        if fresh.sample.image.size().area() <= GIANT_PIXELS
            && cell.get().is_none()
            && let Some(kept) = self.store(&fresh)
        {
            // Of two threads that read the same picture, the first one's copy stays.
            let _ = cell.set(kept);
        }
        Ok(fresh)
    }

    fn again(&self, index: usize, kept: &Kept) -> Option<Read> {
        let channels = self.source.channels();
        let pixels = match &kept.pixels {
            Pixels::Here(pixels) => pixels.to_vec(),
            Pixels::There(offset) => {
                let mut pixels = vec![0; kept.size.area() as usize * channels];
                self.spill.get()?.as_ref()?.read_exact_at(&mut pixels, *offset).ok()?;
                pixels
            }
        };
        let image = Image::new(kept.size, channels, pixels);
        let sample = Sample { identity: self.source.identity(index), label: self.source.label(index), image };
        Some(Read { sample, notes: kept.notes.clone(), part_of: None, turn: Turn::default() })
    }

    /// A copy of what was read, where there is room for it.
    fn store(&self, read: &Read) -> Option<Kept> {
        let image = &read.sample.image;
        let bytes = image.pixels().len() as u64;
        let offset = self.used.fetch_add(bytes, Ordering::Relaxed);
        if image.channels() != self.source.channels() || offset.saturating_add(bytes) > self.room {
            self.used.fetch_sub(bytes, Ordering::Relaxed);
            return None;
        }
        let pixels = match &self.keep {
            Keep::Memory => Pixels::Here(image.pixels().into()),
            Keep::Disk(folder) => {
                let file = self.spill.get_or_init(|| nameless(folder).ok()).as_ref()?;
                // Places are given out once, and never back where a write failed.
                file.write_all_at(image.pixels(), offset).ok()?;
                Pixels::There(offset)
            }
        };
        Some(Kept { size: image.size(), notes: read.notes.clone(), pixels })
    }
}

/// A file that no folder lists.
fn nameless(folder: &Path) -> io::Result<File> {
    std::fs::create_dir_all(folder)?;
    match rustix::fs::open(folder, OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC, Mode::RUSR | Mode::WUSR) {
        Ok(file) => Ok(File::from(file)),
        // A file system that knows no such files.
        Err(_) => {
            let path = folder.join(format!(".cache-{}", std::process::id()));
            let file = File::options().read(true).write(true).create_new(true).open(&path)?;
            std::fs::remove_file(&path).map(|()| file)
        }
    }
}

impl Source for Cached {
    fn classes(&self) -> &[String] {
        self.source.classes()
    }

    fn len(&self) -> usize {
        self.source.len()
    }

    fn channels(&self) -> usize {
        self.source.channels()
    }

    fn fixed_size(&self) -> Option<Size> {
        self.source.fixed_size()
    }

    fn identity(&self, index: usize) -> Identity {
        self.source.identity(index)
    }

    fn label(&self, index: usize) -> u32 {
        self.source.label(index)
    }

    fn stored_bytes(&self, index: usize) -> u64 {
        self.source.stored_bytes(index)
    }

    fn read(&self, index: usize) -> Result<Read, BadSample> {
        self.read_rendition(index, self.renditions - 1, || self.source.read(index))
    }

    fn read_at_epoch(&self, index: usize, epoch: u32) -> Result<Read, BadSample> {
        let rendition = epoch as usize % self.source.variants().max(1);
        self.read_rendition(index, rendition, || self.source.read_at_epoch(index, epoch))
    }

    fn variants(&self) -> usize {
        self.source.variants()
    }

    fn evaluates_apart(&self) -> bool {
        self.source.evaluates_apart()
    }

    fn stored(&self, index: usize) -> Option<Result<Vec<u8>, BadSample>> {
        self.source.stored(index)
    }

    fn digest(&self, index: usize) -> Result<[u8; 32], BadSample> {
        self.source.digest(index)
    }

    fn census(&self) -> &Census {
        self.source.census()
    }

    fn fingerprint(&self) -> [u8; 32] {
        self.source.fingerprint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;

    /// Pictures of 4 pixels that say which sample and rendition they are; sample 2 is bad.
    struct Counted {
        reads: Arc<AtomicUsize>,
        variants: usize,
        census: Census,
    }

    impl Counted {
        fn made(&self, index: usize, rendition: usize) -> Result<Read, BadSample> {
            self.reads.fetch_add(1, Ordering::Relaxed);
            if index == 2 {
                let (path, class, reason, words) = (String::new(), String::new(), String::new(), String::new());
                return Err(BadSample { path, class, stage: "read", reason, words });
            }
            let image = Image::filled(Size::new(2, 2), 1, (10 * index + rendition) as u8);
            let sample = Sample { identity: self.identity(index), label: 0, image };
            Ok(Read { sample, notes: vec![Note::Misnamed], part_of: None, turn: Turn::default() })
        }
    }

    impl Source for Counted {
        fn classes(&self) -> &[String] {
            &[]
        }
        fn len(&self) -> usize {
            5
        }
        fn channels(&self) -> usize {
            1
        }
        fn fixed_size(&self) -> Option<Size> {
            None
        }
        fn identity(&self, index: usize) -> Identity {
            Identity(index.to_string().into())
        }
        fn label(&self, _: usize) -> u32 {
            0
        }
        fn stored_bytes(&self, _: usize) -> u64 {
            4
        }
        fn read(&self, index: usize) -> Result<Read, BadSample> {
            self.made(index, if self.evaluates_apart() { 9 } else { 0 })
        }
        fn read_at_epoch(&self, index: usize, epoch: u32) -> Result<Read, BadSample> {
            self.made(index, epoch as usize % self.variants)
        }
        fn variants(&self) -> usize {
            self.variants
        }
        fn evaluates_apart(&self) -> bool {
            self.variants > 1
        }
        fn digest(&self, _: usize) -> Result<[u8; 32], BadSample> {
            Ok([0; 32])
        }
        fn census(&self) -> &Census {
            &self.census
        }
    }

    fn all(source: &dyn Source) -> Vec<Result<Read, BadSample>> {
        (0..5).flat_map(|index| (0..4).map(move |epoch| source.read_at_epoch(index, epoch)).chain([source.read(index)])).collect()
    }

    #[test]
    fn what_is_kept_is_what_was_read_and_is_read_no_more() {
        let folder = tempfile::tempdir().unwrap();
        for variants in [1, 2] {
            let source = |reads| Box::new(Counted { reads, variants, census: Census::default() });
            let plain = all(&*source(Arc::default()));
            for keep in [Keep::Memory, Keep::Disk(folder.path().join("new"))] {
                for room in [0, 4, 17, 1 << 20] {
                    let reads = Arc::<AtomicUsize>::default();
                    let cached = cached(source(reads.clone()), keep.clone(), room);
                    assert!(all(&*cached) == plain && all(&*cached) == plain, "{keep:?} with room for {room}");
                    let renditions = if variants == 1 { 1 } else { 3 };
                    // Two times five looks at the bad sample, which is never kept.
                    let least = 4 * renditions + 10;
                    let read = reads.load(Ordering::Relaxed);
                    let fits = room >= 16 * renditions as u64;
                    assert!(if fits { read == least } else { read > least }, "{read} reads, {least} are needed");
                }
            }
        }
        assert_eq!(std::fs::read_dir(folder.path().join("new")).unwrap().count(), 0, "the file has no name");
    }
}
