//! The messages of a TensorBoard event file that a run needs, by the field numbers of event.proto, summary.proto and
//! histogram.proto (TensorFlow). Knows how they are encoded and nothing of what they say.

use prost::Message;

/// `Event`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Event {
    /// Seconds since 1970.
    #[prost(double, tag = "1")]
    pub wall_time: f64,
    #[prost(int64, tag = "2")]
    pub step: i64,
    /// In the first record only.
    #[prost(string, optional, tag = "3")]
    pub file_version: Option<String>,
    #[prost(message, optional, tag = "5")]
    pub summary: Option<Summary>,
}

/// `Summary`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Summary {
    #[prost(message, repeated, tag = "1")]
    pub value: Vec<Value>,
}

/// `Summary.Value`: a tag, and what it holds at a step.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Value {
    #[prost(string, tag = "1")]
    pub tag: String,
    #[prost(oneof = "Held", tags = "2, 4, 5")]
    pub held: Option<Held>,
}

/// What a value holds.
#[derive(Clone, PartialEq, prost::Oneof)]
pub(super) enum Held {
    /// `simple_value`.
    #[prost(float, tag = "2")]
    Scalar(f32),
    /// `image`.
    #[prost(message, tag = "4")]
    Picture(Picture),
    /// `histo`.
    #[prost(message, tag = "5")]
    Histogram(Histogram),
}

/// `Summary.Image`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Picture {
    #[prost(int32, tag = "1")]
    pub height: i32,
    #[prost(int32, tag = "2")]
    pub width: i32,
    /// Channels.
    #[prost(int32, tag = "3")]
    pub colorspace: i32,
    /// A whole PNG file.
    #[prost(bytes = "vec", tag = "4")]
    pub encoded_image_string: Vec<u8>,
}

/// `HistogramProto`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Histogram {
    #[prost(double, tag = "1")]
    pub min: f64,
    #[prost(double, tag = "2")]
    pub max: f64,
    #[prost(double, tag = "3")]
    pub num: f64,
    #[prost(double, tag = "4")]
    pub sum: f64,
    #[prost(double, tag = "5")]
    pub sum_squares: f64,
    #[prost(double, repeated, tag = "6")]
    pub bucket_limit: Vec<f64>,
    #[prost(double, repeated, tag = "7")]
    pub bucket: Vec<f64>,
}
