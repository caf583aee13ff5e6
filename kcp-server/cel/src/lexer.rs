//! Text to tokens, as CEL's grammar has them.

use crate::{ast::Literal, source::Problem};

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    Ident,
    /// `` `a-b` ``
    Escaped,
    Int,
    Uint,
    Double,
    /// A string or bytes, unescaped.
    Text(Literal),
    Symbol(&'static str),
    End,
}

#[derive(Clone, Debug)]
pub(crate) struct Lexeme<'s> {
    pub(crate) token: Token,
    pub(crate) text: &'s str,
    pub(crate) at: u32,
}

/// Longest first, so that `<=` is not `<`.
const SYMBOLS: [&str; 24] = [
    "==", "!=", "<=", ">=", "&&", "||", "<", ">", "[", "]", "{", "}", "(", ")", ".", ",", "-", "!", "?", ":",
    "+", "*", "/", "%",
];

/// All tokens, ending with [`Token::End`], or what cannot be one.
pub(crate) fn tokens(source: &str) -> (Vec<Lexeme<'_>>, Vec<Problem>) {
    let mut out = Vec::with_capacity(source.len() / 3 + 2);
    let mut problems = Vec::new();
    let mut at = 0;
    while let Some(start) = skip_blank(source, at) {
        let rest = &source[start..];
        let position = u32::try_from(start).unwrap_or(u32::MAX);
        match next(rest) {
            Ok((token, length)) => {
                let text = &rest[..length];
                match unescaped(token, text) {
                    Ok(token) => out.push(Lexeme { token, text, at: position }),
                    Err(message) => problems.push(Problem { at: Some(position), message }),
                }
                at = start + length;
            }
            Err(length) => {
                let shown = rest[..length].replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t");
                let message = format!("Syntax error: token recognition error at: '{shown}'");
                problems.push(Problem { at: Some(position), message });
                at = start + length;
            }
        }
        if problems.len() >= 30 {
            break;
        }
    }
    let end = u32::try_from(source.len()).unwrap_or(u32::MAX);
    out.push(Lexeme { token: Token::End, text: "<EOF>", at: end });
    (out, problems)
}

fn skip_blank(source: &str, from: usize) -> Option<usize> {
    let bytes = source.as_bytes();
    let mut at = from;
    loop {
        match bytes.get(at)? {
            b' ' | b'\t' | b'\r' | b'\n' | 0x0c => at += 1,
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                at += source[at..].find('\n').unwrap_or(source.len() - at);
            }
            _ => return Some(at),
        }
    }
}

/// What kind of token begins here and its length; otherwise how much is no token.
fn next(rest: &str) -> Result<(Raw, usize), usize> {
    let bytes = rest.as_bytes();
    let first = bytes[0];
    if let Some((raw, prefix)) = text_prefix(bytes) {
        let length = text_length(rest, prefix, matches!(raw, Raw::Text { raw: true, .. }));
        return length.map(|length| (raw, length));
    }
    if first.is_ascii_alphabetic() || first == b'_' {
        let length = bytes.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
        return Ok((Raw::Ident, length));
    }
    if first.is_ascii_digit() || first == b'.' && bytes.get(1).is_some_and(u8::is_ascii_digit) {
        return Ok(number(bytes));
    }
    if first == b'`' {
        let inner = bytes[1..]
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || b"_.-/ ".contains(byte))
            .count();
        return if inner > 0 && bytes.get(inner + 1) == Some(&b'`') {
            Ok((Raw::Escaped, inner + 2))
        } else {
            Err(1)
        };
    }
    match SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
        Some(symbol) => Ok((Raw::Symbol(symbol), symbol.len())),
        // Half of `==`, `&&` or `||` takes the character after it along.
        None => {
            let taken = if matches!(first, b'=' | b'&' | b'|') { 2 } else { 1 };
            Err(rest.chars().take(taken).map(char::len_utf8).sum())
        }
    }
}

enum Raw {
    Ident,
    Escaped,
    Int,
    Uint,
    Double,
    Symbol(&'static str),
    Text { bytes: bool, raw: bool, prefix: usize },
}

/// Whether a string begins here: `"`, `'`, `r"`, `b'`, `br"` and so on.
fn text_prefix(bytes: &[u8]) -> Option<(Raw, usize)> {
    let mut prefix = 0;
    let is_bytes = matches!(bytes[0], b'b' | b'B');
    prefix += usize::from(is_bytes);
    let raw = matches!(bytes.get(prefix), Some(b'r' | b'R'));
    prefix += usize::from(raw);
    matches!(bytes.get(prefix), Some(b'"' | b'\''))
        .then_some((Raw::Text { bytes: is_bytes, raw, prefix }, prefix))
}

fn text_length(rest: &str, prefix: usize, raw: bool) -> Result<usize, usize> {
    let bytes = rest.as_bytes();
    let quote = bytes[prefix];
    let triple = bytes[prefix..].starts_with(&[quote; 3]);
    let marks = if triple { 3 } else { 1 };
    let mut at = prefix + marks;
    while at < bytes.len() {
        if bytes[at..].starts_with(&[quote; 3][..marks]) {
            return Ok(at + marks);
        }
        match bytes[at] {
            b'\n' | b'\r' if !triple => break,
            b'\\' if !raw => {
                let (length, valid) = escape_length(&rest[at + 1..]);
                at += 1 + length;
                if !valid {
                    return Err(at);
                }
            }
            _ => at += 1,
        }
    }
    if triple {
        // `""` followed by something that never ends.
        return Ok(prefix + 2);
    }
    let end = at.min(bytes.len());
    Err((end..=bytes.len()).find(|end| rest.is_char_boundary(*end)).unwrap_or(bytes.len()))
}

/// How long an escape after its backslash is, or up to and with the first character that is wrong.
fn escape_length(text: &str) -> (usize, bool) {
    let mut chars = text.chars();
    let Some(kind) = chars.next() else { return (0, false) };
    let (digits, radix) = match kind {
        'x' | 'X' => (2, 16),
        'u' => (4, 16),
        'U' => (8, 16),
        '0'..='3' => (2, 8),
        kind => return (kind.len_utf8(), "abfnrtv\"'\\?`".contains(kind)),
    };
    let mut length = kind.len_utf8();
    for _ in 0..digits {
        match chars.next() {
            Some(digit) => {
                length += digit.len_utf8();
                if !digit.is_digit(radix) {
                    return (length, false);
                }
            }
            None => return (length, false),
        }
    }
    (length, true)
}

fn number(bytes: &[u8]) -> (Raw, usize) {
    let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let unsigned = |at: usize, raw: Raw| match bytes.get(at) {
        Some(b'u' | b'U') => (Raw::Uint, at + 1),
        _ => (raw, at),
    };
    if bytes.starts_with(b"0x") {
        let length = bytes[2..].iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        if length > 0 {
            return unsigned(2 + length, Raw::Int);
        }
    }
    let mut at = digits(0);
    let mut fraction = false;
    if bytes.get(at) == Some(&b'.') && digits(at + 1) > 0 {
        at += 1 + digits(at + 1);
        fraction = true;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let power = bytes.get(at + 1 + sign..).map_or(0, |_| digits(at + 1 + sign));
        if power > 0 {
            return (Raw::Double, at + 1 + sign + power);
        }
    }
    if fraction { (Raw::Double, at) } else { unsigned(at, Raw::Int) }
}

fn unescaped(raw: Raw, text: &str) -> Result<Token, String> {
    Ok(match raw {
        Raw::Ident if text == "in" => Token::Symbol("in"),
        Raw::Ident => Token::Ident,
        Raw::Escaped => Token::Escaped,
        Raw::Int => Token::Int,
        Raw::Uint => Token::Uint,
        Raw::Double => Token::Double,
        Raw::Symbol(symbol) => Token::Symbol(symbol),
        Raw::Text { bytes, raw, prefix } => {
            let inner = unquoted(&text[prefix..]);
            Token::Text(match (bytes, raw) {
                (false, true) => Literal::String(inner.replace("\r\n", "\n").replace('\r', "\n").into()),
                (true, true) => Literal::Bytes(inner.as_bytes().into()),
                (false, false) => Literal::String(text_of(inner)?.into()),
                (true, false) => Literal::Bytes(bytes_of(inner)?.into()),
            })
        }
    })
}

fn unquoted(text: &str) -> &str {
    let marks =
        if text.len() >= 6 && (text.starts_with("\"\"\"") || text.starts_with("'''")) { 3 } else { 1 };
    &text[marks..text.len() - marks]
}

fn text_of(text: &str) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    escapes(text, false, |piece| match piece {
        Piece::Char(c) => out.push(c),
        Piece::Byte(byte) => out.push(char::from(byte)),
    })?;
    Ok(out)
}

fn bytes_of(text: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(text.len());
    escapes(text, true, |piece| match piece {
        Piece::Char(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        Piece::Byte(byte) => out.push(byte),
    })?;
    Ok(out)
}

enum Piece {
    Char(char),
    Byte(u8),
}

fn escapes(text: &str, bytes: bool, mut put: impl FnMut(Piece)) -> Result<(), String> {
    let invalid = || "Syntax error: invalid escape sequence".to_owned();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c == '\r' {
            // Line ends are one character, as the text was written anywhere.
            rest = rest.strip_prefix('\n').unwrap_or(rest);
            put(Piece::Char('\n'));
            continue;
        }
        if c != '\\' {
            put(Piece::Char(c));
            continue;
        }
        let kind = rest.chars().next().ok_or_else(invalid)?;
        rest = &rest[kind.len_utf8()..];
        let mut code = |radix: u32, length: usize, first: &str| -> Result<u32, String> {
            let digits = rest.get(..length).ok_or_else(invalid)?;
            rest = &rest[length..];
            let digits = format!("{first}{digits}");
            if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err(invalid());
            }
            u32::from_str_radix(&digits, radix).map_err(|_| invalid())
        };
        let byte = |code: u32| u8::try_from(code).map(Piece::Byte).map_err(|_| invalid());
        put(match kind {
            'a' => Piece::Byte(7),
            'b' => Piece::Byte(8),
            'f' => Piece::Byte(12),
            'n' => Piece::Byte(10),
            'r' => Piece::Byte(13),
            't' => Piece::Byte(9),
            'v' => Piece::Byte(11),
            '\\' | '\'' | '"' | '`' | '?' => Piece::Char(kind),
            'x' | 'X' => byte(code(16, 2, "")?)?,
            '0'..='3' => byte(code(8, 2, kind.encode_utf8(&mut [0; 4]))?)?,
            'u' if !bytes => Piece::Char(char::from_u32(code(16, 4, "")?).ok_or_else(invalid)?),
            'U' if !bytes => Piece::Char(char::from_u32(code(16, 8, "")?).ok_or_else(invalid)?),
            _ => return Err(invalid()),
        });
    }
    Ok(())
}
