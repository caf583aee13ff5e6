//! The grammar of label selectors: a lexer and a parser of one token ahead, as in Kubernetes, so that
//! the same text gives the same message.

use super::labels::{Operator, Requirement};
use crate::{
    field::{Error, Path},
    names,
};

/// Why text or an object is no label selector, in the words of Kubernetes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidLabels(pub String);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'t> {
    End,
    /// One of [`SYMBOLS`].
    Symbol(&'static str),
    /// Also `in` and `notin`, which are operators only where an operator stands.
    Word(&'t str),
}

/// Longer ones first.
const SYMBOLS: [&str; 9] = ["==", "!=", ")", ",", "!", "=", ">", "<", "("];

impl<'t> Token<'t> {
    fn text(&self) -> &'t str {
        match self {
            Self::End => "",
            Self::Symbol(text) => text,
            Self::Word(text) => text,
        }
    }

    fn starts_requirement(self) -> bool {
        matches!(self, Self::Word(_) | Self::Symbol("!"))
    }

    fn ends_requirement(self) -> bool {
        matches!(self, Self::End | Self::Symbol(","))
    }
}

pub(super) fn parse(text: &str) -> Result<Vec<Requirement>, InvalidLabels> {
    let mut parser = Parser { rest: text };
    let mut requirements = Vec::new();
    loop {
        let first = parser.peek();
        if first == Token::End {
            return Ok(requirements);
        }
        if !first.starts_requirement() {
            return Err(found(first, "!, identifier, or 'end of string'"));
        }
        let requirement = parser
            .requirement()
            .map_err(|error| InvalidLabels(format!("unable to parse requirement: {error}")))?;
        requirements.push(requirement);
        match parser.next() {
            Token::End => return Ok(requirements),
            Token::Symbol(",") => {
                let after = parser.peek();
                if !after.starts_requirement() {
                    return Err(found(after, "identifier after ','"));
                }
            }
            other @ (Token::Symbol(_) | Token::Word(_)) => {
                return Err(found(other, "',' or 'end of string'"));
            }
        }
    }
}

fn found(token: Token<'_>, expected: &str) -> InvalidLabels {
    InvalidLabels(format!("found '{}', expected: {expected}", token.text()))
}

struct Parser<'t> {
    rest: &'t str,
}

impl<'t> Parser<'t> {
    fn peek(&self) -> Token<'t> {
        lex(self.rest).0
    }

    fn next(&mut self) -> Token<'t> {
        let (token, rest) = lex(self.rest);
        self.rest = rest;
        token
    }

    fn requirement(&mut self) -> Result<Requirement, InvalidLabels> {
        let mut token = self.next();
        let negated = token == Token::Symbol("!");
        if negated {
            token = self.next();
        }
        let Token::Word(key) = token else { return Err(found(token, "identifier")) };
        let wrong = names::qualified_name(key);
        if !wrong.is_empty() {
            return Err(InvalidLabels(Error::invalid(&Path::root(), key, wrong.join("; ")).to_string()));
        }
        if negated {
            return Requirement::new(key, Operator::DoesNotExist, Vec::new());
        }
        if self.peek().ends_requirement() {
            return Requirement::new(key, Operator::Exists, Vec::new());
        }
        let operator = self.operator()?;
        let mut values = match operator {
            Operator::In | Operator::NotIn => self.values()?,
            Operator::Equals
            | Operator::DoubleEquals
            | Operator::NotEquals
            | Operator::Exists
            | Operator::DoesNotExist
            | Operator::GreaterThan
            | Operator::LessThan => vec![self.value()?],
        };
        values.sort_unstable();
        values.dedup();
        Requirement::new(key, operator, values.into_iter().map(Into::into).collect())
    }

    fn operator(&mut self) -> Result<Operator, InvalidLabels> {
        let token = self.next();
        match token.text() {
            "in" => Ok(Operator::In),
            "notin" => Ok(Operator::NotIn),
            "=" => Ok(Operator::Equals),
            "==" => Ok(Operator::DoubleEquals),
            "!=" => Ok(Operator::NotEquals),
            ">" => Ok(Operator::GreaterThan),
            "<" => Ok(Operator::LessThan),
            _ => Err(found(token, "in, notin, =, ==, !=, gt, lt")),
        }
    }

    fn value(&mut self) -> Result<&'t str, InvalidLabels> {
        if self.peek().ends_requirement() {
            return Ok("");
        }
        match self.next() {
            Token::Word(value) => Ok(value),
            other @ (Token::End | Token::Symbol(_)) => Err(found(other, "identifier")),
        }
    }

    fn values(&mut self) -> Result<Vec<&'t str>, InvalidLabels> {
        let open = self.next();
        if open != Token::Symbol("(") {
            return Err(InvalidLabels(format!("found '{}' expected: '('", open.text())));
        }
        let first = self.peek();
        match first {
            Token::Symbol(")") => {
                self.next();
                Ok(vec![""])
            }
            Token::Word(_) | Token::Symbol(",") => {
                let values = self.list()?;
                if self.next() != Token::Symbol(")") {
                    return Err(found(first, "')'"));
                }
                Ok(values)
            }
            Token::End | Token::Symbol(_) => Err(found(first, "',', ')' or identifier")),
        }
    }

    /// Up to the closing parenthesis. Between two commas, and next to a parenthesis, is an empty value.
    fn list(&mut self) -> Result<Vec<&'t str>, InvalidLabels> {
        let mut values = Vec::new();
        loop {
            let token = self.next();
            let after = self.peek();
            match token {
                Token::Word(value) => {
                    values.push(value);
                    match after {
                        Token::Symbol(",") => {}
                        Token::Symbol(")") => return Ok(values),
                        Token::End | Token::Symbol(_) | Token::Word(_) => {
                            return Err(found(after, "',' or ')'"));
                        }
                    }
                }
                Token::Symbol(",") => {
                    if values.is_empty() || after == Token::Symbol(",") || after == Token::Symbol(")") {
                        values.push("");
                    }
                    if after == Token::Symbol(")") {
                        return Ok(values);
                    }
                }
                Token::End | Token::Symbol(_) => return Err(found(token, "',', or identifier")),
            }
        }
    }
}

/// The first token of a text and what follows it. A NUL ends the text, as it does in Kubernetes.
fn lex(text: &str) -> (Token<'_>, &str) {
    let text = text.trim_start_matches([' ', '\t', '\r', '\n']);
    for symbol in SYMBOLS {
        if let Some(rest) = text.strip_prefix(symbol) {
            return (Token::Symbol(symbol), rest);
        }
    }
    let special = |c: char| "=!(),>< \t\r\n\0".contains(c);
    let (word, rest) = text.split_at(text.find(special).unwrap_or(text.len()));
    if word.is_empty() { (Token::End, "") } else { (Token::Word(word), rest) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(text: &str, message: Expect) {
        message.assert_eq(&parse(text).expect_err("no selector").to_string());
    }

    #[test]
    fn messages() {
        check("a=b c", expect!["found 'c', expected: ',' or 'end of string'"]);
        check("a,", expect!["found '', expected: identifier after ','"]);
        check(
            "a b",
            expect!["unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
        );
        check("=a", expect!["found '=', expected: !, identifier, or 'end of string'"]);
        check("!=a", expect!["found '!=', expected: !, identifier, or 'end of string'"]);
        check("a in b", expect!["unable to parse requirement: found 'b' expected: '('"]);
        check("a in (b", expect!["unable to parse requirement: found '', expected: ',' or ')'"]);
        check("a in (b=", expect!["unable to parse requirement: found '=', expected: ',' or ')'"]);
        check("a=(", expect!["unable to parse requirement: found '(', expected: identifier"]);
        check(
            "a>b",
            expect![[
                r#"unable to parse requirement: values[0]: Invalid value: "b": for 'Gt', 'Lt' operators, the value must be an integer"#
            ]],
        );
        check(
            "a=-",
            expect![[
                r#"unable to parse requirement: values[0][a]: Invalid value: "-": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"#
            ]],
        );
        check(
            "a/b/c",
            expect![[
                r#"unable to parse requirement: <nil>: Invalid value: "a/b/c": a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"#
            ]],
        );
    }

    #[test]
    fn words_of_the_grammar_may_be_names() {
        let parsed = parse("in in (in,notin),notin").expect("a selector");
        assert_eq!(parsed.len(), 2);
        assert_eq!(parsed[0].to_string(), "in in (in,notin)");
        assert_eq!(parsed[1].to_string(), "notin");
    }
}
