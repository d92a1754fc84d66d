//! A run as the trace viewers of Chrome and Perfetto read it: JSON in the "Trace Event Format", complete events.

use serde_json::json;

/// One chunk in one stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The stage.
    pub stage: String,
    /// The thread's name.
    pub thread: String,
    /// Number of the chunk's first item.
    pub first: u64,
    /// Microseconds from the beginning.
    pub start: u64,
    /// Microseconds that it took.
    pub duration: u64,
}

/// The document: a row a thread, in the order in which threads first appear.
pub fn chrome_trace(spans: &[Span]) -> String {
    let mut threads: Vec<&str> = Vec::new();
    for span in spans {
        if !threads.contains(&span.thread.as_str()) {
            threads.push(&span.thread);
        }
    }
    let names = threads
        .iter()
        .enumerate()
        .map(|(number, name)| json!({ "ph": "M", "name": "thread_name", "pid": 1, "tid": number + 1, "args": { "name": name } }));
    let events = spans.iter().map(|span| {
        let thread = threads.iter().position(|name| *name == span.thread).unwrap_or(0) + 1;
        json!({
            "ph": "X", "cat": "chunk", "name": span.stage, "pid": 1, "tid": thread, "ts": span.start, "dur": span.duration,
            "args": { "first": span.first },
        })
    });
    let events: Vec<_> = names.chain(events).collect();
    format!("{}\n", json!({ "traceEvents": events, "displayTimeUnit": "ms" }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_span_is_a_complete_event_in_its_threads_row() {
        let span =
            |stage: &str, thread: &str, start| Span { stage: stage.into(), thread: thread.into(), first: 3, start, duration: 5 };
        let text = chrome_trace(&[
            span("load", "load-0", 1),
            span("load", "load-1", 2),
            span("batch", "batch-0", 7),
            span("load", "load-0", 9),
        ]);
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        let events = document["traceEvents"].as_array().unwrap();
        let of = |kind: &str| events.iter().filter(|event| event["ph"] == kind).collect::<Vec<_>>();
        assert_eq!(
            of("M").iter().map(|event| event["args"]["name"].as_str().unwrap()).collect::<Vec<_>>(),
            ["load-0", "load-1", "batch-0"]
        );
        assert_eq!(of("X").iter().map(|event| event["tid"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2, 3, 1]);
        assert_eq!((&of("X")[3]["ts"], &of("X")[3]["dur"]), (&json!(9), &json!(5)));
    }
}
