//! `pipeline describe OP --picture`: what an operation can do, as a strip of pictures. Knows no operation by name.

mod range;
mod rows;
mod scene;

use super::say;
use crate::augment::OPS;
use crate::error::{Error, Result};
use crate::registry::find;
use crate::report::{poster, write_png};
use std::path::{Path, PathBuf};

/// Pixels that a tile measures.
const TILE: usize = 176;

/// Draws the strip of the operation called `name` into `out`, or into `NAME.png`.
///
/// # Errors
/// [`Error::Refused`] for anything that is no operation; [`Error::Io`] where the file cannot be written.
pub fn picture(name: &str, out: Option<&Path>, json: bool) -> Result<()> {
    let entry = find(OPS, name).map_err(|near| {
        let help = near.map_or("see `pipeline list`".to_owned(), |near| format!("did you mean `{near}`?"));
        Error::refused(format!("no operation is called `{}`: only operations have a picture", name.escape_debug()), help)
    })?;
    let path = out.map_or_else(|| PathBuf::from(format!("{name}.png")), Path::to_path_buf);
    let rows = rows::rows(entry, &scene::scene());
    write_png(&path, &poster(&format!("{}: {}", entry.name, entry.about), &rows, TILE))?;
    match json {
        true => {
            let rows: Vec<&str> = rows.iter().map(|row| row.heading.as_str()).collect();
            say(&format!("{:#}\n", serde_json::json!({ "name": name, "picture": path.display().to_string(), "rows": rows })))
        }
        false => say(&format!("{}\n", path.display())),
    }
}
