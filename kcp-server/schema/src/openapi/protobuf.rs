//! A version 2 document as the protobuf message that gnostic defines (`OpenAPIv2.proto`).
//!
//! Only what our documents have is written. Field numbers are facts of that file.

use kcp_apimachinery::{Map, Value, value};

/// `openapi.v2.Document`
pub(super) fn document(tree: &Value) -> Vec<u8> {
    let mut out = Message::default();
    out.text(1, tree.get("swagger"));
    out.message(2, |info| {
        info.text(1, tree.at(&["info", "title"]));
        info.text(2, tree.at(&["info", "version"]));
    });
    out.message(8, |paths| {
        for (path, item) in members(tree.get("paths")) {
            paths.named(2, path, |message| path_item(item, message));
        }
    });
    out.message(9, |definitions| {
        for (name, definition) in members(tree.get("definitions")) {
            definitions.named(1, name, |message| schema(definition, message));
        }
    });
    for requirement in items(tree.get("security")) {
        out.message(12, |message| {
            for (name, _) in members(Some(requirement)) {
                message.named(1, name, |_| {});
            }
        });
    }
    out.message(13, |securities| {
        for (name, security) in members(tree.get("securityDefinitions")) {
            securities.named(1, name, |item| item.message(2, |key| api_key(security, key)));
        }
    });
    out.0
}

/// A message that is being written.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    fn tag(&mut self, field: u64, wire: u64) {
        self.number(field << 3 | wire);
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.tag(field, 2);
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn text(&mut self, field: u64, text: Option<&Value>) {
        if let Some(text) = text.and_then(Value::as_str).filter(|text| !text.is_empty()) {
            self.bytes(field, text.as_bytes());
        }
    }

    fn texts(&mut self, field: u64, texts: Option<&Value>) {
        for text in items(texts) {
            self.bytes(field, text.as_str().unwrap_or_default().as_bytes());
        }
    }

    fn flag(&mut self, field: u64, flag: Option<&Value>) {
        if flag.and_then(Value::as_bool) == Some(true) {
            self.tag(field, 0);
            self.number(1);
        }
    }

    fn integer(&mut self, field: u64, integer: Option<&Value>) {
        if let Some(integer) = integer.and_then(Value::as_int) {
            self.tag(field, 0);
            self.number(integer.cast_unsigned());
        }
    }

    fn double(&mut self, field: u64, number: Option<&Value>) {
        if let Some(number) = crate::compile::number(number) {
            self.tag(field, 1);
            self.0.extend_from_slice(&number.to_le_bytes());
        }
    }

    fn message(&mut self, field: u64, write: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        write(&mut inner);
        self.bytes(field, &inner.0);
    }

    /// A pair of a name and a message.
    fn named(&mut self, field: u64, name: &str, write: impl FnOnce(&mut Self)) {
        self.message(field, |pair| {
            pair.bytes(1, name.as_bytes());
            pair.message(2, write);
        });
    }

    /// Data without a schema: its YAML, for which JSON will do.
    fn any(&mut self, field: u64, value: &Value) {
        self.message(field, |any| any.bytes(2, &value::encode(value)));
    }

    fn extensions(&mut self, field: u64, tree: &Value) {
        for (name, value) in members(Some(tree)).filter(|(name, _)| name.starts_with("x-")) {
            self.message(field, |pair| {
                pair.bytes(1, name.as_bytes());
                pair.any(2, value);
            });
        }
    }
}

fn members(tree: Option<&Value>) -> impl Iterator<Item = (&str, &Value)> {
    tree.and_then(Value::as_object).into_iter().flat_map(Map::iter)
}

fn items(tree: Option<&Value>) -> &[Value] {
    tree.and_then(Value::as_array).unwrap_or_default()
}

fn path_item(item: &Value, out: &mut Message) {
    for (field, method) in [(2, "get"), (3, "put"), (4, "post"), (5, "delete"), (8, "patch")] {
        if let Some(tree) = item.get(method) {
            out.message(field, |message| operation(tree, message));
        }
    }
    for tree in items(item.get("parameters")) {
        out.message(9, |message| parameter(tree, message));
    }
}

fn operation(tree: &Value, out: &mut Message) {
    out.texts(1, tree.get("tags"));
    out.text(3, tree.get("description"));
    out.text(5, tree.get("operationId"));
    out.texts(6, tree.get("produces"));
    out.texts(7, tree.get("consumes"));
    for one in items(tree.get("parameters")) {
        out.message(8, |message| parameter(one, message));
    }
    out.message(9, |responses| {
        for (code, response) in members(tree.get("responses")) {
            responses.named(1, code, |value| {
                value.message(1, |message| {
                    message.text(1, response.get("description"));
                    if let Some(answer) = response.get("schema") {
                        message.message(2, |item| item.message(1, |message| schema(answer, message)));
                    }
                });
            });
        }
    });
    out.texts(10, tree.get("schemes"));
    out.extensions(13, tree);
}

/// A `ParametersItem`: in the body, the query or the path.
fn parameter(tree: &Value, out: &mut Message) {
    out.message(1, |parameter| match tree.str_at(&["in"]) {
        Some("body") => parameter.message(1, |body| {
            body.text(2, tree.get("name"));
            body.text(3, tree.get("in"));
            body.flag(4, tree.get("required"));
            if let Some(tree) = tree.get("schema") {
                body.message(5, |message| schema(tree, message));
            }
        }),
        Some("query") => parameter.message(2, |other| {
            other.message(3, |query| {
                common(tree, query);
                query.text(6, tree.get("type"));
                query.flag(20, tree.get("uniqueItems"));
            })
        }),
        Some(_) | None => parameter.message(2, |other| {
            other.message(4, |path| {
                common(tree, path);
                path.text(5, tree.get("type"));
                path.flag(19, tree.get("uniqueItems"));
            })
        }),
    });
}

fn common(tree: &Value, out: &mut Message) {
    out.flag(1, tree.get("required"));
    out.text(2, tree.get("in"));
    out.text(3, tree.get("description"));
    out.text(4, tree.get("name"));
}

fn api_key(tree: &Value, out: &mut Message) {
    for (field, name) in [(1, "type"), (2, "name"), (3, "in"), (4, "description")] {
        out.text(field, tree.get(name));
    }
}

fn schema(tree: &Value, out: &mut Message) {
    for (field, name) in [(1, "$ref"), (2, "format"), (3, "title"), (4, "description"), (13, "pattern")] {
        out.text(field, tree.get(name));
    }
    if let Some(default) = tree.get("default") {
        out.any(5, default);
    }
    for (field, name) in [(6, "multipleOf"), (7, "maximum"), (9, "minimum")] {
        out.double(field, tree.get(name));
    }
    for (field, name) in [(8, "exclusiveMaximum"), (10, "exclusiveMinimum"), (16, "uniqueItems")] {
        out.flag(field, tree.get(name));
    }
    for (field, name) in [
        (11, "maxLength"),
        (12, "minLength"),
        (14, "maxItems"),
        (15, "minItems"),
        (17, "maxProperties"),
        (18, "minProperties"),
    ] {
        out.integer(field, tree.get(name));
    }
    out.texts(19, tree.get("required"));
    for allowed in items(tree.get("enum")) {
        out.any(20, allowed);
    }
    structure(tree, out);
    if let Some(example) = tree.get("example") {
        out.any(30, example);
    }
    out.extensions(31, tree);
}

fn structure(tree: &Value, out: &mut Message) {
    match tree.get("additionalProperties") {
        Some(Value::Bool(allowed)) => out.message(21, |item| {
            item.tag(2, 0);
            item.number(u64::from(*allowed));
        }),
        Some(additional) => out.message(21, |item| item.message(1, |message| schema(additional, message))),
        None => {}
    }
    if let Some(kind) = tree.get("type") {
        out.message(22, |item| item.text(1, Some(kind)));
    }
    if let Some(element) = tree.get("items") {
        out.message(23, |item| item.message(1, |message| schema(element, message)));
    }
    if let Some(properties) = tree.get("properties") {
        out.message(25, |message| {
            for (name, property) in members(Some(properties)) {
                message.named(1, name, |message| schema(property, message));
            }
        });
    }
    if let Some(docs) = tree.get("externalDocs") {
        out.message(29, |message| {
            message.text(1, docs.get("description"));
            message.text(2, docs.get("url"));
        });
    }
}
