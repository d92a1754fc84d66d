//! Notes when every chunk entered and left a stage: a layer that listens to the flow's spans.

use crate::error::{Error, Result};
use crate::report::profile::Span;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Level, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, filter::Targets, registry};

/// Spans heard so far.
#[derive(Clone)]
pub struct Recorder {
    began: Instant,
    spans: Arc<Mutex<Vec<Span>>>,
}

impl Recorder {
    /// Listens from now on, on every thread.
    ///
    /// # Errors
    /// [`Error::Refused`] where somebody else does already: the log.
    pub fn install() -> Result<Self> {
        let recorder = Self { began: Instant::now(), spans: Arc::default() };
        let chunks = Targets::new().with_target("augpipe::flow", Level::TRACE);
        let taken = tracing::subscriber::set_global_default(registry().with(recorder.clone().with_filter(chunks)));
        taken.map_err(|_| Error::refused("a trace cannot be recorded while there is a log", "unset PIPELINE_LOG"))?;
        Ok(recorder)
    }

    /// Everything so far, in order of its beginning, from the first on.
    pub fn spans(&self) -> Vec<Span> {
        let mut spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner).clone();
        spans.sort_by_key(|span| span.start);
        let first = spans.first().map_or(0, |span| span.start);
        spans.iter_mut().for_each(|span| span.start -= first);
        spans
    }
}

/// What a span says of itself.
#[derive(Default)]
struct Chunk {
    stage: String,
    first: u64,
    entered: Option<Instant>,
}

impl Visit for Chunk {
    fn record_str(&mut self, _: &Field, value: &str) {
        value.clone_into(&mut self.stage);
    }

    fn record_u64(&mut self, _: &Field, value: u64) {
        self.first = value;
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recorder {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut chunk = Chunk::default();
        attributes.record(&mut chunk);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(chunk);
        }
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(chunk) = span.extensions_mut().get_mut::<Chunk>()
        {
            chunk.entered = Some(Instant::now());
        }
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let extensions = span.extensions();
        let Some(Chunk { stage, first, entered: Some(entered) }) = extensions.get::<Chunk>() else { return };
        let thread = std::thread::current().name().unwrap_or("?").to_owned();
        let start = entered.duration_since(self.began).as_micros() as u64;
        let span = Span { stage: stage.clone(), thread, first: *first, start, duration: entered.elapsed().as_micros() as u64 };
        self.spans.lock().unwrap_or_else(PoisonError::into_inner).push(span);
    }
}
