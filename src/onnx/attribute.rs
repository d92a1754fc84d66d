//! Settings of an operator. Knows no operator.

use super::proto;

/// A named setting.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute(pub(super) proto::Attribute);

/// Numbers of `AttributeProto.AttributeType`.
#[repr(i32)]
enum Kind {
    Float = 1,
    Int = 2,
    String = 3,
    Ints = 7,
}

impl Attribute {
    /// A number.
    pub fn float(name: &str, value: f32) -> Self {
        Self(proto::Attribute { name: name.to_owned(), f: Some(value), kind: Kind::Float as i32, ..Default::default() })
    }

    /// A whole number.
    pub fn int(name: &str, value: usize) -> Self {
        Self(proto::Attribute { name: name.to_owned(), i: Some(value as i64), kind: Kind::Int as i32, ..Default::default() })
    }

    /// A word.
    pub fn word(name: &str, value: &str) -> Self {
        let s = Some(value.as_bytes().to_vec());
        Self(proto::Attribute { name: name.to_owned(), s, kind: Kind::String as i32, ..Default::default() })
    }

    /// Whole numbers.
    pub fn ints(name: &str, values: &[usize]) -> Self {
        let ints = values.iter().map(|&value| value as i64).collect();
        Self(proto::Attribute { name: name.to_owned(), ints, kind: Kind::Ints as i32, ..Default::default() })
    }
}
