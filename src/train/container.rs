//! Named rows of f32 and one text in a safetensors file, sealed or not. Knows nothing of what they mean.
//!
//! A *sealed* file's last tensor, `blake3`, is the hash of every byte before it, so any change to the file shows.

use crate::error::{Error, Result};
use safetensors::tensor::{Dtype, SafeTensors, View, serialize};
use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

/// The metadata's one key. More than one would stand in the file in random order.
const KEY: &str = "augpipe";
const SEAL: &str = "blake3";
const SEAL_LENGTH: usize = 32;
/// What a header may take, whatever the tensors.
const HEADER_LIMIT: u64 = 64 << 20;

/// A row of values with a name and a shape.
pub(super) struct Tensor<'t> {
    pub name: String,
    pub shape: Vec<usize>,
    pub values: &'t [f32],
}

enum Stored<'t> {
    Values(Tensor<'t>),
    Seal,
}

impl View for Stored<'_> {
    fn dtype(&self) -> Dtype {
        match self {
            Stored::Values(_) => Dtype::F32,
            Stored::Seal => Dtype::U8,
        }
    }

    fn shape(&self) -> &[usize] {
        match self {
            Stored::Values(tensor) => &tensor.shape,
            Stored::Seal => &[SEAL_LENGTH],
        }
    }

    fn data(&self) -> Cow<'_, [u8]> {
        match self {
            Stored::Values(tensor) => little_endian(tensor.values).into(),
            Stored::Seal => Cow::Borrowed(&[0; SEAL_LENGTH]),
        }
    }

    fn data_len(&self) -> usize {
        match self {
            Stored::Values(tensor) => tensor.values.len() * 4,
            Stored::Seal => SEAL_LENGTH,
        }
    }
}

fn little_endian(values: &[f32]) -> Vec<u8> {
    let mut bytes = vec![0; values.len() * 4];
    bytes.chunks_exact_mut(4).zip(values).for_each(|(place, value)| place.copy_from_slice(&value.to_le_bytes()));
    bytes
}

/// The file's bytes; the same for the same content.
///
/// # Errors
/// [`Error::Numeric`] where a value is not finite: such weights are never stored.
pub(super) fn encode(tensors: Vec<Tensor>, text: String, sealed: bool) -> Result<Vec<u8>> {
    for tensor in &tensors {
        if let Some(place) = tensor.values.iter().position(|value| !value.is_finite()) {
            let (name, value) = (&tensor.name, tensor.values[place]);
            return Err(Error::Numeric(format!("refused to store weights: value {place} of `{name}` is {value}")));
        }
    }
    let stored = tensors.into_iter().map(|tensor| (tensor.name.clone(), Stored::Values(tensor)));
    let seal = sealed.then(|| (SEAL.to_owned(), Stored::Seal));
    let metadata = HashMap::from([(KEY.to_owned(), text)]);
    // Tensors are laid out by falling size of their values: the seal's bytes come last.
    let encoded = serialize(stored.chain(seal), Some(metadata));
    let mut bytes = encoded.map_err(|error| Error::Fault { stage: "store".to_owned(), item: 0, why: error.to_string() })?;
    if sealed {
        let body = bytes.len() - SEAL_LENGTH;
        let hash = blake3::hash(&bytes[..body]);
        bytes[body..].copy_from_slice(hash.as_bytes());
    }
    Ok(bytes)
}

/// What a file holds, with its bytes still where they were read to.
pub(super) struct Content<'b> {
    tensors: SafeTensors<'b>,
    /// The text.
    pub text: String,
}

impl<'b> Content<'b> {
    /// Looks through a file's bytes. Nothing is allocated by sizes that the file claims before they were held against its length.
    pub fn decode(bytes: &'b [u8], sealed: bool) -> std::result::Result<Self, String> {
        let tensors = SafeTensors::deserialize(bytes).map_err(|error| format!("truncated or damaged: {error}"))?;
        if sealed {
            let (body, seal) = bytes.split_at_checked(bytes.len().wrapping_sub(SEAL_LENGTH)).ok_or("it is too short")?;
            if blake3::hash(body).as_bytes() != seal {
                return Err("damaged: its content does not match its checksum".to_owned());
            }
        }
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
        let text = header.metadata().as_ref().and_then(|metadata| metadata.get(KEY)).ok_or("it was not written by augpipe")?;
        Ok(Self { tensors, text: text.clone() })
    }

    /// Names of the rows of values.
    pub fn names(&self) -> Vec<&str> {
        self.tensors.names().into_iter().filter(|&name| name != SEAL).collect()
    }

    /// The values called `name`, which must have `shape` and be finite.
    pub fn values(&self, name: &str, shape: &[usize]) -> std::result::Result<Vec<f32>, String> {
        let tensor = self.tensors.tensor(name).map_err(|_| format!("it has no `{name}`"))?;
        if tensor.dtype() != Dtype::F32 || tensor.shape() != shape {
            return Err(format!("its `{name}` has shape {:?} of {:?}, not {shape:?} of F32", tensor.shape(), tensor.dtype()));
        }
        let values: Vec<f32> = tensor.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        match values.iter().position(|value| !value.is_finite()) {
            Some(place) => Err(format!("value {place} of its `{name}` is {}", values[place])),
            None => Ok(values),
        }
    }
}

/// The bytes of the file at `path`, where it is no larger than `values` numbers and their header need.
pub(super) fn read_file(path: &Path, values: u64) -> Result<Vec<u8>> {
    let file = std::fs::File::open(path).map_err(Error::io("cannot open", path))?;
    let length = file.metadata().map_err(Error::io("cannot open", path))?.len();
    let limit = values.saturating_mul(4).saturating_add(HEADER_LIMIT);
    if length > limit {
        let why =
            format!("it has {length} bytes where at most {limit} are expected: it belongs to another model, or is no such file");
        return Err(Error::Damaged { path: path.to_owned(), why });
    }
    let mut bytes = Vec::with_capacity(length as usize);
    file.take(limit).read_to_end(&mut bytes).map_err(Error::io("cannot read", path))?;
    Ok(bytes)
}
