//! One table of a pipeline file, read key by key.

use super::document::{Document, Node, Place, Value};
use crate::error::{Problem, SourceText, nearest};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// All problems found so far, shared by every table of a file, so that they can be shown together.
#[derive(Clone, Debug, Default)]
pub struct Problems(Rc<RefCell<Vec<Problem>>>);

impl Problems {
    /// Adds one.
    pub fn push(&self, problem: Problem) {
        self.0.borrow_mut().push(problem);
    }

    /// Takes all out, in the order in which they stand in the file.
    pub fn take(&self) -> Vec<Problem> {
        let mut problems = std::mem::take(&mut *self.0.borrow_mut());
        // Texts in the order in which they were met: the file, then what --set says.
        let mut texts: Vec<Arc<SourceText>> = Vec::new();
        for (text, _) in problems.iter().filter_map(|problem| problem.place.as_ref()) {
            if !texts.iter().any(|known| Arc::ptr_eq(known, text)) {
                texts.push(text.clone());
            }
        }
        let number = |text: &Arc<SourceText>| texts.iter().position(|known| Arc::ptr_eq(known, text));
        let from_set = |text: &Arc<SourceText>| text.name == "--set";
        problems.sort_by_key(|problem| {
            problem.place.as_ref().map_or((true, None, usize::MAX), |(text, span)| (from_set(text), number(text), span.start))
        });
        problems.dedup();
        problems
    }
}

/// What a key means, as its reader states it: the text of `pipeline describe`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct KeyDoc {
    /// The word.
    pub key: String,
    /// Kind and allowed range: "number, 0 to 1".
    pub kind: String,
    /// What it is when left out; none where it must be given.
    pub default: Option<String>,
    /// What it does.
    pub about: String,
}

/// A key, and, where tables stood at it, the keys that were read in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyTree {
    /// The key.
    pub doc: KeyDoc,
    /// Keys of the tables at it, in reading order; each once.
    pub inside: Vec<KeyTree>,
}

/// What was read of one table, and of the tables in it.
#[derive(Debug, Default)]
struct Record {
    keys: Vec<KeyDoc>,
    inside: Vec<(String, Rc<RefCell<Record>>)>,
}

impl Record {
    fn trees(&self) -> Vec<KeyTree> {
        self.keys.iter().map(|doc| KeyTree { doc: doc.clone(), inside: self.trees_at(&doc.key) }).collect()
    }

    fn trees_at(&self, key: &str) -> Vec<KeyTree> {
        let mut trees: Vec<KeyTree> = Vec::new();
        for (_, record) in self.inside.iter().filter(|(at, _)| at == key) {
            for tree in record.borrow().trees() {
                match trees.iter_mut().find(|known| known.doc.key == tree.doc.key) {
                    Some(known) if known.inside.is_empty() => known.inside = tree.inside,
                    Some(_) => {}
                    None => trees.push(tree),
                }
            }
        }
        trees
    }
}

/// The keys of one table. Every read is recorded; [`Fields::finish`] refuses the rest.
///
/// Readers never fail: a wrong value is noted in [`Problems`] and a harmless one is handed out instead, so that reading goes
/// on and every problem of a file is found in one go.
#[derive(Debug)]
pub struct Fields {
    name: String,
    entries: Vec<(String, Place, Node)>,
    place: Option<Place>,
    read: Rc<RefCell<Record>>,
    problems: Problems,
    /// Whether something else stands where the table should: one problem, and no key is missed on top of it.
    void: bool,
    /// How many tables of its own kind it lies in: see [`Fields::inside`].
    depth: usize,
}

impl Fields {
    /// The top table of a file.
    pub fn new(document: &Document, problems: &Problems) -> Self {
        Self::of_node("the file", &document.root, problems)
    }

    /// A table with nothing in it, for what a file leaves out: every key takes its default.
    pub fn empty(name: &str, problems: &Problems) -> Self {
        Self {
            name: name.to_owned(),
            entries: Vec::new(),
            place: None,
            read: Rc::default(),
            problems: problems.clone(),
            void: false,
            depth: 0,
        }
    }

    /// The table that `text` holds; for examples and tests.
    ///
    /// # Errors
    /// The syntax errors of the text.
    pub fn parse(text: &str, problems: &Problems) -> Result<Self, Vec<Problem>> {
        Ok(Self::new(&Document::parse("example", text)?, problems))
    }

    /// `node` as a table called `name`; a node that is no table is a problem and reads as an empty one.
    pub fn of_node(name: &str, node: &Node, problems: &Problems) -> Self {
        let mut fields = Self::empty(name, problems);
        fields.place = Some(node.place.clone());
        match &node.value {
            Value::Table(entries) => fields.entries = entries.clone(),
            other => {
                fields.void = true;
                fields.complain_at(&node.place, format!("{name} must be a table, not {}", other.kind()), None);
            }
        }
        fields
    }

    /// What the table is called in messages: `[train]`, `augment 2 (rotate)`, counted from 0 as `--set augment.2.p=1` does.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Takes `key` over from another table where this one does not give it.
    pub fn inherit(&mut self, key: &str, from: &Fields) {
        if !self.has(key)
            && let Some(entry) = from.entries.iter().find(|(name, _, _)| name == key)
        {
            self.entries.push(entry.clone());
        }
    }

    /// Whether something that is no table stands in its place.
    pub fn is_void(&self) -> bool {
        self.void
    }

    /// Whether the file gives `key`.
    pub fn has(&self, key: &str) -> bool {
        self.node(key).is_some()
    }

    /// The value of `key` as it stands.
    pub fn node(&self, key: &str) -> Option<&Node> {
        self.entries.iter().find(|(name, _, _)| name == key).map(|(_, _, node)| node)
    }

    /// Begins to read `key`; `about` says what it does, for `pipeline describe`.
    pub fn key<'f>(&'f self, key: &'f str, about: &'f str) -> super::setting::Key<'f> {
        super::setting::Key { fields: self, key, about }
    }

    /// The table at `key`, if the file has it.
    pub fn table(&self, key: &str, about: &str) -> Option<Fields> {
        self.note(key, "table", Some("none"), about);
        self.node(key).map(|node| self.adopt(key, Fields::of_node(&format!("[{key}]"), node, &self.problems)))
    }

    /// The table at `key`, or one with nothing in it.
    pub fn table_or_empty(&self, key: &str, about: &str) -> Fields {
        self.table(key, about).unwrap_or_else(|| self.adopt(key, Fields::empty(&format!("[{key}]"), &self.problems)))
    }

    /// The tables of a list, `[[key]]`; a single word in the list stands for a table with just that word as `tag`.
    pub fn tables(&self, key: &str, tag: &str, about: &str) -> Vec<Fields> {
        self.note(key, "list of tables", Some("none"), about);
        match self.node(key) {
            None => Vec::new(),
            Some(Node { value: Value::List(items), .. }) => items
                .iter()
                .enumerate()
                .map(|(index, item)| self.adopt(key, Fields::of_tagged(&format!("{key} {index}"), item, tag, &self.problems)))
                .collect(),
            Some(node) => {
                self.complain_at(&node.place, format!("`{key}` must be a list of tables, not {}", node.value.kind()), None);
                Vec::new()
            }
        }
    }

    /// Likewise, for a list of tables of the same kind as this one: they are called by this one's name, too.
    pub fn may_be_inside(&self, key: &str, tag: &str, about: &str) -> Vec<Fields> {
        let mut tables = self.tables(key, tag, about);
        for table in &mut tables {
            table.name = format!("{} {}", self.name, table.name);
            table.depth = self.depth + 1;
        }
        tables
    }

    /// Likewise, where they must be there.
    pub fn inside(&self, key: &str, tag: &str, about: &str) -> Vec<Fields> {
        let tables = self.may_be_inside(key, tag, about);
        self.read.borrow_mut().keys.iter_mut().filter(|doc| doc.key == key).for_each(|doc| doc.default = None);
        if tables.is_empty() && !self.void {
            let lacks = if self.has(key) { "nothing in" } else { "no" };
            let stands = self.node(key).is_none_or(|node| matches!(node.value, Value::List(_)));
            let message = format!("{} has {lacks} `{key}`", self.name);
            stands.then(|| self.complain(key, message, about));
        }
        tables
    }

    /// How many tables of its own kind it lies in.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// The table at `key`, where a single word stands for a table with just that word as `tag`: `optimizer = "sgd"`.
    pub fn tagged(&self, key: &str, tag: &str, about: &str) -> Option<Fields> {
        self.note(key, "name or table", Some("none"), about);
        self.node(key).map(|node| self.adopt(key, Fields::of_tagged(&format!("`{key}`"), node, tag, &self.problems)))
    }

    /// Remembers that `table` stands at `key`.
    fn adopt(&self, key: &str, table: Fields) -> Fields {
        self.read.borrow_mut().inside.push((key.to_owned(), table.read.clone()));
        table
    }

    fn of_tagged(name: &str, node: &Node, tag: &str, problems: &Problems) -> Self {
        let Value::Text(_) = node.value else {
            let mut fields = Fields::of_node(name, node, problems);
            if let Some(Value::Text(word)) = fields.node(tag).map(|node| &node.value) {
                fields.name = format!("{name} ({word})");
            }
            return fields;
        };
        let mut fields = Fields::empty(name, problems);
        fields.place = Some(node.place.clone());
        fields.entries = vec![(tag.to_owned(), node.place.clone(), node.clone())];
        fields
    }

    /// Where `key` stands, or else the table.
    pub fn place_of(&self, key: &str) -> Option<Place> {
        self.node(key).map(|node| node.place.clone()).or_else(|| self.place.clone())
    }

    /// Notes a problem with the value of `key`.
    pub fn complain(&self, key: &str, message: impl Into<String>, help: impl Into<String>) {
        let help = help.into();
        let help = (!help.is_empty()).then_some(help);
        self.problems.push(Problem { message: message.into(), help, place: self.place_of(key) });
    }

    fn complain_at(&self, place: &Place, message: String, help: Option<String>) {
        self.problems.push(Problem { message, help, place: Some(place.clone()) });
    }

    /// The problems that this table adds to.
    pub fn problems(&self) -> &Problems {
        &self.problems
    }

    pub(super) fn note(&self, key: &str, kind: &str, default: Option<&str>, about: &str) {
        let read = &mut self.read.borrow_mut().keys;
        if read.iter().all(|doc| doc.key != key) {
            let default = default.map(str::to_owned);
            read.push(KeyDoc { key: key.to_owned(), kind: kind.to_owned(), default, about: about.to_owned() });
        }
    }

    /// Every key that was read, in reading order.
    pub fn docs(&self) -> Vec<KeyDoc> {
        self.read.borrow().keys.clone()
    }

    /// The same, with the keys of the tables in it.
    pub fn trees(&self) -> Vec<KeyTree> {
        self.read.borrow().trees()
    }

    /// Ends reading: every key of the file that nobody read is a problem.
    pub fn finish(&self) {
        let read = &self.read.borrow().keys;
        for (key, place, _) in &self.entries {
            if read.iter().any(|doc| doc.key == *key) {
                continue;
            }
            let known = read.iter().map(|doc| doc.key.as_str());
            let help = match nearest(key, known.clone()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known here: {}", known.collect::<Vec<_>>().join(", ")),
            };
            self.complain_at(place, format!("unknown key `{key}` in {}", self.name), Some(help));
        }
    }
}
