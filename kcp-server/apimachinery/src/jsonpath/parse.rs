use super::{DEPTH_MAX, JsonPathError, Operator, Slice, Step};
use crate::{Value, go};

/// Reads what is inside the braces.
pub(super) fn parse(text: &str, depth: usize) -> Result<Vec<Step>, JsonPathError> {
    if depth > DEPTH_MAX {
        return Err(error("filters are nested too deeply"));
    }
    let mut parser = Parser { rest: text, depth, steps: Vec::new() };
    while !parser.rest.is_empty() {
        parser.step()?;
    }
    Ok(parser.steps)
}

fn error(message: impl Into<String>) -> JsonPathError {
    JsonPathError(message.into())
}

struct Parser<'t> {
    rest: &'t str,
    depth: usize,
    steps: Vec<Step>,
}

impl<'t> Parser<'t> {
    /// What comes before `end`, which is passed over.
    fn until(&mut self, end: usize, after: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at(end);
        self.rest = &rest[after..];
        taken
    }

    fn step(&mut self) -> Result<(), JsonPathError> {
        if let Some(rest) = self.rest.strip_prefix("[?(") {
            self.rest = rest;
            return self.filter();
        }
        if let Some(rest) = self.rest.strip_prefix("..") {
            if self.steps.last() == Some(&Step::Recursive) {
                return Err(error("invalid multiple recursive descent"));
            }
            self.rest = rest;
            self.steps.push(Step::Recursive);
            if rest.starts_with(|c: char| c == '_' || c.is_alphanumeric()) {
                self.field();
            }
            return Ok(());
        }
        let Some(first) = self.rest.chars().next() else { return Ok(()) };
        match first {
            '\n' | '\r' => Err(error("unclosed action")),
            ' ' | '@' | '$' => {
                self.until(1, 0);
                Ok(())
            }
            '[' => self.array(),
            '"' | '\'' => self.quoted(first),
            '.' => {
                self.until(1, 0);
                self.field();
                Ok(())
            }
            '+' | '-' | '0'..='9' => self.number(),
            c if c == '_' || c.is_alphanumeric() => self.word(),
            c => Err(error(format!("unrecognized character in action: U+{:04X} '{c}'", u32::from(c)))),
        }
    }

    /// Up to the next character that ends a name and is not escaped.
    fn field(&mut self) {
        let mut escaped = false;
        let end = self.rest.find(|c: char| {
            let ends = !escaped && ends_name(c);
            escaped = c == '\\' && !escaped;
            ends
        });
        let name = self.until(end.unwrap_or(self.rest.len()), 0);
        self.steps.push(match name {
            "*" => Step::Wildcard,
            name => Step::Field(name.replace('\\', "").into()),
        });
    }

    fn word(&mut self) -> Result<(), JsonPathError> {
        match self.until(self.rest.find(ends_name).unwrap_or(self.rest.len()), 0) {
            "true" => self.steps.push(Step::Literal(Value::Bool(true))),
            "false" => self.steps.push(Step::Literal(Value::Bool(false))),
            word => return Err(error(format!("unrecognized identifier {word}"))),
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), JsonPathError> {
        let digits = self.rest.trim_start_matches(['+', '-']);
        let sign = self.rest.len() - digits.len();
        let end = digits.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(digits.len());
        let text = self.until(sign + end, 0);
        let number = match (text.parse::<i64>(), text.parse::<f64>()) {
            (Ok(number), _) => Value::Int(number),
            (_, Ok(number)) => Value::Float(number),
            _ => return Err(error(format!("cannot parse number {text}"))),
        };
        self.steps.push(Step::Literal(number));
        Ok(())
    }

    fn quoted(&mut self, quote: char) -> Result<(), JsonPathError> {
        let end = end_of_quoted(self.rest, quote).ok_or_else(|| error("unterminated quoted string"))?;
        let text = self.until(end, 0);
        let inner = &text[1..text.len() - 1];
        self.steps.push(Step::Literal(unescape(inner)?.into()));
        Ok(())
    }

    fn array(&mut self) -> Result<(), JsonPathError> {
        let end = self.rest.find([']', '\n']).filter(|end| self.rest[*end..].starts_with(']'));
        let end = end.ok_or_else(|| error("unterminated array"))?;
        let text = &self.until(end, 1)[1..];
        if text.contains(',') {
            let parts =
                text.split(',').map(|part| parse(&format!("[{}]", part.trim_matches(' ')), self.depth + 1));
            self.steps.push(Step::Union(parts.collect::<Result<_, _>>()?));
            return Ok(());
        }
        let key = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
        if let Some(key) = key.filter(|key| !key.contains('\'')) {
            self.steps.extend(parse(&format!(".{key}"), self.depth + 1)?);
            return Ok(());
        }
        let slice = if text == "*" { slice(":") } else { slice(text) }?;
        self.steps.push(Step::Slice(slice));
        Ok(())
    }

    fn filter(&mut self) -> Result<(), JsonPathError> {
        let end = end_of_filter(self.rest).ok_or_else(|| error("unterminated filter"))?;
        let text = self.until(end, 1);
        self.rest = self.rest.strip_prefix(']').ok_or_else(|| error("unclosed array expect ]"))?;
        let inner = |text: &str| parse(text, self.depth + 1);
        let (left, operator, right) = match split_comparison(text) {
            None => (inner(text)?, Operator::Exists, Vec::new()),
            Some((left, operator, right)) => (inner(left)?, operator_of(operator)?, inner(right)?),
        };
        self.steps.push(Step::Filter { left, operator, right });
        Ok(())
    }
}

fn ends_name(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n' | '.' | ',' | '[' | ']' | '$' | '@' | '{' | '}')
}

/// Behind the closing quote.
fn end_of_quoted(text: &str, quote: char) -> Option<usize> {
    let mut previous = quote;
    for (at, c) in text.char_indices().skip(1) {
        if c == '\n' {
            return None;
        }
        if c == quote && previous != '\\' {
            return Some(at + 1);
        }
        previous = c;
    }
    None
}

/// Before the parenthesis that closes a filter: one that is not within quotes.
fn end_of_filter(text: &str) -> Option<usize> {
    let (mut quote, mut previous) = (None, ' ');
    for (at, c) in text.char_indices() {
        match (c, quote) {
            ('\n', _) => return None,
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open && previous != '\\' => quote = None,
            (')', None) => return Some(at),
            _ => {}
        }
        previous = c;
    }
    None
}

/// Left, operator and right; `None` if there is no operator between the two.
fn split_comparison(text: &str) -> Option<(&str, &str, &str)> {
    let (left, rest) = text.split_at(text.find(['!', '<', '>', '='])?);
    let (operator, right) = rest.split_at(rest.find(|c| !"!<>=~".contains(c))?);
    (!left.is_empty()).then_some((left, operator, right))
}

fn operator_of(text: &str) -> Result<Operator, JsonPathError> {
    Ok(match text {
        "<" => Operator::Less,
        "<=" => Operator::LessEqual,
        ">" => Operator::Greater,
        ">=" => Operator::GreaterEqual,
        "==" => Operator::Equal,
        "!=" => Operator::NotEqual,
        other => return Err(error(format!("unrecognized filter operator {other}"))),
    })
}

fn slice(text: &str) -> Result<Slice, JsonPathError> {
    let mut parts = text.split(':');
    let mut number = || parts.next().map(|part| index(part, text)).transpose();
    let (start, end, step) = (number()?.flatten(), number()?, number()?.flatten());
    if parts.next().is_some() {
        return Err(error(format!("invalid array index {text}")));
    }
    let derived = end.is_none();
    let end = end.unwrap_or(Some(start.unwrap_or(0).saturating_add(1)));
    Ok(Slice { start, end, end_is_derived: derived, step })
}

/// A number of a slice, or nothing where it is left out.
fn index(part: &str, text: &str) -> Result<Option<i64>, JsonPathError> {
    if part.is_empty() {
        return Ok(None);
    }
    if part.strip_prefix('-').unwrap_or(part).contains(|c: char| !c.is_ascii_digit()) {
        return Err(error(format!("invalid array index {text}")));
    }
    part.parse().map(Some).map_err(|_| error(format!("array index {part} is not a number")))
}

/// The escapes of a Go string, of which only those occur that name one character.
fn unescape(text: &str) -> Result<String, JsonPathError> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        out.push(match chars.next() {
            Some('n') => '\n',
            Some('t') => '\t',
            Some('r') => '\r',
            Some(c @ ('\\' | '"' | '\'')) => c,
            _ => return Err(error(format!("unquote string {} error invalid syntax", go::quote(text)))),
        });
    }
    Ok(out)
}
