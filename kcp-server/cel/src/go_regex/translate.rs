use super::InvalidRegex;

/// Most repetitions that Go accepts.
const MAX_REPEAT: u32 = 1000;

/// The classes of POSIX, as in `[[:alpha:]]`.
const POSIX: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
    "upper", "word", "xdigit",
];

/// From Go's syntax to that of the `regex` crate.
pub(super) fn translate(pattern: &str) -> Result<String, InvalidRegex> {
    let mut reader = Reader { pattern, at: 0, out: String::with_capacity(pattern.len() + 8), open: 0 };
    reader.expression()?;
    Ok(reader.out)
}

struct Reader<'p> {
    pattern: &'p str,
    at: usize,
    out: String,
    /// Groups that are open.
    open: usize,
}

/// What the last thing read can be followed by.
#[derive(Clone, Copy, PartialEq)]
enum Last {
    /// Nothing that could be repeated.
    Nothing,
    /// Something that can be repeated.
    Atom,
    /// A repetition that began here.
    Repetition(usize),
}

impl<'p> Reader<'p> {
    fn rest(&self) -> &'p str {
        &self.pattern[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn eat(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    fn error<T>(&self, what: &str, from: usize) -> Result<T, InvalidRegex> {
        Err(InvalidRegex(format!("{what}: `{}`", &self.pattern[from..self.at])))
    }

    fn expression(&mut self) -> Result<(), InvalidRegex> {
        let mut last = Last::Nothing;
        while let Some(c) = self.peek() {
            let start = self.at;
            last = match c {
                '*' | '+' | '?' => {
                    self.at += 1;
                    self.eat("?");
                    self.repeat(start, last)?
                }
                '{' if self.counts().is_some() => self.counted(start, last)?,
                _ => {
                    self.at += c.len_utf8();
                    self.atom(c, start)?
                }
            };
        }
        if self.open > 0 {
            return Err(InvalidRegex(format!("missing closing ): `{}`", self.pattern)));
        }
        Ok(())
    }

    fn atom(&mut self, c: char, start: usize) -> Result<Last, InvalidRegex> {
        match c {
            '(' => {
                self.open += 1;
                return self.group(start);
            }
            ')' if self.open == 0 => {
                return Err(InvalidRegex(format!("unexpected ): `{}`", self.pattern)));
            }
            ')' => {
                self.open -= 1;
                self.out.push(')');
            }
            '|' => {
                self.out.push('|');
                return Ok(Last::Nothing);
            }
            '^' | '$' | '.' => self.out.push(c),
            '[' => self.class(start)?,
            '\\' => return self.escape(start),
            c => literal(c, &mut self.out),
        }
        Ok(Last::Atom)
    }

    fn repeat(&mut self, start: usize, last: Last) -> Result<Last, InvalidRegex> {
        match last {
            Last::Nothing => return self.error("missing argument to repetition operator", start),
            Last::Repetition(first) => return self.error("invalid nested repetition operator", first),
            Last::Atom => self.out.push_str(&self.pattern[start..self.at]),
        }
        Ok(Last::Repetition(start))
    }

    /// The counts of `{n}`, `{n,}` or `{n,m}` and their length; anything else is no repetition.
    fn counts(&self) -> Option<(u32, Option<u32>, usize)> {
        let inner = self.rest().strip_prefix('{')?;
        let (inner, _) = inner.split_once('}')?;
        let number = |digits: &str| {
            let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            (plain && (digits.len() == 1 || !digits.starts_with('0')))
                .then(|| digits.parse().unwrap_or(u32::MAX))
        };
        let (least, most) = match inner.split_once(',') {
            None => (number(inner)?, Some(number(inner)?)),
            Some((least, "")) => (number(least)?, None),
            Some((least, most)) => (number(least)?, Some(number(most)?)),
        };
        Some((least, most, inner.len() + 2))
    }

    fn counted(&mut self, start: usize, last: Last) -> Result<Last, InvalidRegex> {
        let Some((least, most, length)) = self.counts() else { return Ok(last) };
        self.at += length;
        if least > MAX_REPEAT || most.is_some_and(|most| most > MAX_REPEAT || most < least) {
            return self.error("invalid repeat count", start);
        }
        self.eat("?");
        self.repeat(start, last)
    }

    fn group(&mut self, start: usize) -> Result<Last, InvalidRegex> {
        self.out.push('(');
        if !self.eat("?") {
            return Ok(Last::Nothing);
        }
        if self.eat("P<") || self.rest().starts_with('<') && !self.is_look_behind() && self.eat("<") {
            return self.group_name(start);
        }
        self.out.push('?');
        let mut negative = false;
        let mut any = false;
        while let Some(c) = self.next() {
            match c {
                'i' | 'm' | 's' | 'U' => any = true,
                '-' if !negative => (negative, any) = (true, false),
                ':' if !negative || any => {
                    self.out.push(':');
                    return Ok(Last::Nothing);
                }
                ')' if any => {
                    self.open -= 1;
                    self.out.push(')');
                    return Ok(Last::Nothing);
                }
                _ => break,
            }
            self.out.push(c);
        }
        if self.at == self.pattern.len() && !self.pattern.ends_with(')') && any {
            return Err(InvalidRegex(format!("missing closing ): `{}`", self.pattern)));
        }
        self.error("invalid or unsupported Perl syntax", start)
    }

    fn is_look_behind(&self) -> bool {
        self.rest().starts_with("<=") || self.rest().starts_with("<!")
    }

    fn group_name(&mut self, start: usize) -> Result<Last, InvalidRegex> {
        let name: String = self.rest().chars().take_while(|&c| c != '>').collect();
        self.at += name.len();
        if !self.eat(">") {
            return self.error("invalid named capture", start);
        }
        if name.is_empty() || !name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric()) {
            return self.error("invalid named capture", start);
        }
        // Names do not matter for matching, and Go allows ones that `regex` does not.
        Ok(Last::Nothing)
    }

    fn escape(&mut self, start: usize) -> Result<Last, InvalidRegex> {
        match self.peek() {
            None => Err(InvalidRegex("trailing backslash at end of expression: ``".into())),
            Some('Q') => {
                self.at += 1;
                let (quoted, length) = match self.rest().split_once("\\E") {
                    Some((quoted, _)) => (quoted, quoted.len() + 2),
                    None => (self.rest(), self.rest().len()),
                };
                quoted.chars().for_each(|c| literal(c, &mut self.out));
                self.at += length;
                Ok(if quoted.is_empty() { Last::Nothing } else { Last::Atom })
            }
            Some(c @ ('A' | 'z')) => {
                self.at += 1;
                self.out.push('\\');
                self.out.push(c);
                Ok(Last::Atom)
            }
            Some(c @ ('b' | 'B')) => {
                self.at += 1;
                self.out.push_str(&format!(r"(?-u:\{c})"));
                Ok(Last::Atom)
            }
            Some(_) => {
                if !self.named_class(start, false)? {
                    let c = self.character(start)?;
                    literal(c, &mut self.out);
                }
                Ok(Last::Atom)
            }
        }
    }

    /// `\d`, `\pL` and the like, after the backslash.
    fn named_class(&mut self, start: usize, inside: bool) -> Result<bool, InvalidRegex> {
        let Some(c) = self.peek() else { return Ok(false) };
        let ascii = match c.to_ascii_lowercase() {
            'd' => "0-9",
            's' => r"\t\n\f\r ",
            'w' => "0-9A-Za-z_",
            'p' => {
                self.at += 1;
                self.unicode_class(start, c == 'P')?;
                return Ok(true);
            }
            _ => return Ok(false),
        };
        self.at += 1;
        match (c.is_ascii_uppercase(), inside) {
            (true, _) => self.out.push_str(&format!("[^{ascii}]")),
            (false, true) => self.out.push_str(ascii),
            (false, false) => self.out.push_str(&format!("[{ascii}]")),
        }
        Ok(true)
    }

    fn unicode_class(&mut self, start: usize, mut negative: bool) -> Result<(), InvalidRegex> {
        let Some(c) = self.next() else { return self.error("invalid character class range", start) };
        let name = if c == '{' {
            let Some((name, _)) = self.rest().split_once('}') else {
                self.at = self.pattern.len();
                return self.error("invalid character class range", start);
            };
            self.at += name.len() + 1;
            name.to_owned()
        } else {
            c.to_string()
        };
        let name = match name.strip_prefix('^') {
            Some(name) => {
                negative = !negative;
                name
            }
            None => &name,
        };
        let class = format!(r"\{}{{{name}}}", if negative { 'P' } else { 'p' });
        if name.contains(['=', ':', '!']) || regex_syntax::parse(&class).is_err() {
            return self.error("invalid character class range", start);
        }
        self.out.push_str(&class);
        Ok(())
    }

    /// A character after a backslash.
    fn character(&mut self, start: usize) -> Result<char, InvalidRegex> {
        let Some(c) = self.next() else { return self.error("invalid escape sequence", start) };
        let read = match c {
            '1'..='7' if !self.peek().is_some_and(|next| ('0'..='7').contains(&next)) => None,
            '0'..='7' => self.octal(c),
            'x' => self.hexadecimal(),
            'a' => Some('\u{7}'),
            'f' => Some('\u{c}'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'v' => Some('\u{b}'),
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => Some(c),
            _ => None,
        };
        match read {
            Some(c) => Ok(c),
            None => self.error("invalid escape sequence", start),
        }
    }

    fn octal(&mut self, first: char) -> Option<char> {
        let mut code = first.to_digit(8)?;
        for _ in 0..2 {
            let Some(digit) = self.peek().and_then(|c| c.to_digit(8)) else { break };
            self.at += 1;
            code = code * 8 + digit;
        }
        char::from_u32(code)
    }

    fn hexadecimal(&mut self) -> Option<char> {
        if self.eat("{") {
            let (digits, _) = self.rest().split_once('}')?;
            self.at += digits.len() + 1;
            return char::from_u32(u32::from_str_radix(digits, 16).ok()?);
        }
        let digits = self.rest().get(..2)?;
        self.at += 2;
        char::from_u32(u32::from_str_radix(digits, 16).ok()?)
    }

    fn class(&mut self, start: usize) -> Result<(), InvalidRegex> {
        self.out.push('[');
        if self.eat("^") {
            self.out.push('^');
        }
        let mut first = true;
        loop {
            let from = self.at;
            match self.peek() {
                None => {
                    return Err(InvalidRegex(format!("missing closing ]: `{}`", &self.pattern[start..])));
                }
                Some(']') if !first => {
                    self.at += 1;
                    self.out.push(']');
                    return Ok(());
                }
                Some('[') if self.rest().starts_with("[:") && self.posix_class(from)? => {}
                Some(_) => self.range(from)?,
            }
            first = false;
        }
    }

    fn posix_class(&mut self, from: usize) -> Result<bool, InvalidRegex> {
        let Some((name, _)) = self.rest().split_once(":]") else { return Ok(false) };
        self.at += name.len() + 2;
        let bare = name.trim_start_matches("[:");
        if !POSIX.contains(&bare.strip_prefix('^').unwrap_or(bare)) {
            return self.error("invalid character class range", from);
        }
        let class = format!("{name}:]");
        self.out.push_str(&class);
        Ok(true)
    }

    /// A character of a class, or two with a dash between.
    fn range(&mut self, from: usize) -> Result<(), InvalidRegex> {
        if self.rest().starts_with('\\') {
            self.at += 1;
            if self.named_class(from, true)? {
                return Ok(());
            }
            self.at -= 1;
        }
        let low = self.class_character()?;
        let dashed = self.rest().starts_with('-') && !self.rest().starts_with("-]");
        if !dashed {
            literal(low, &mut self.out);
            return Ok(());
        }
        self.at += 1;
        let high = if self.at == self.pattern.len() { low } else { self.class_character()? };
        if high < low {
            return self.error("invalid character class range", from);
        }
        literal(low, &mut self.out);
        self.out.push('-');
        literal(high, &mut self.out);
        Ok(())
    }

    fn class_character(&mut self) -> Result<char, InvalidRegex> {
        let from = self.at;
        match self.next() {
            Some('\\') => self.character(from),
            Some(c) => Ok(c),
            None => self.error("missing closing ]", from),
        }
    }
}

/// A character that means itself, in a class and outside.
fn literal(c: char, out: &mut String) {
    if regex_syntax::is_escapeable_character(c) && c != '<' && c != '>' {
        out.push('\\');
    }
    out.push(c);
}
