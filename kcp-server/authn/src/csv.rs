//! Comma-separated values, as Go's reader understands them.

/// The records of a text: lines that are not empty. A field may stand in quotes, then a quote in it
/// is doubled and it may hold commas and line ends.
///
/// # Errors
/// The number of the line (from 1) at which a quote is out of place.
pub(crate) fn records(text: &str) -> Result<Vec<Vec<String>>, usize> {
    let mut reader = Reader { rest: text, line: 1 };
    let mut records = Vec::new();
    while !reader.rest.is_empty() {
        if !reader.skip_line_end() {
            records.push(reader.record()?);
        }
    }
    Ok(records)
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
}

impl Reader<'_> {
    fn record(&mut self) -> Result<Vec<String>, usize> {
        let mut fields = vec![self.field()?];
        while let Some(rest) = self.rest.strip_prefix(',') {
            self.rest = rest;
            fields.push(self.field()?);
        }
        self.skip_line_end();
        Ok(fields)
    }

    fn field(&mut self) -> Result<String, usize> {
        if let Some(rest) = self.rest.strip_prefix('"') {
            self.rest = rest;
            return self.quoted();
        }
        let end = self.rest.find([',', '\n']).unwrap_or(self.rest.len());
        let (field, rest) = self.rest.split_at(end);
        let field = if rest.starts_with(',') { field } else { field.strip_suffix('\r').unwrap_or(field) };
        if field.contains('"') {
            return Err(self.line);
        }
        self.rest = rest;
        Ok(field.to_owned())
    }

    fn quoted(&mut self) -> Result<String, usize> {
        let mut field = String::new();
        loop {
            let end = self.rest.find('"').ok_or(self.line)?;
            self.line += self.rest[..end].matches('\n').count();
            field.push_str(&self.rest[..end]);
            self.rest = &self.rest[end + 1..];
            match self.rest.strip_prefix('"') {
                Some(rest) => {
                    field.push('"');
                    self.rest = rest;
                }
                None if self.rest.is_empty() || self.rest.starts_with([',', '\r', '\n']) => return Ok(field),
                None => return Err(self.line),
            }
        }
    }

    fn skip_line_end(&mut self) -> bool {
        let rest = self.rest.strip_prefix("\r\n").or_else(|| self.rest.strip_prefix('\n'));
        if let Some(rest) = rest {
            self.rest = rest;
            self.line += 1;
        } else if self.rest == "\r" {
            self.rest = "";
            return true;
        }
        rest.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, wanted: Result<&[&[&str]], usize>) {
        let found = records(text);
        let found: Result<Vec<Vec<&str>>, usize> = found
            .as_ref()
            .map(|records| records.iter().map(|record| record.iter().map(String::as_str).collect()).collect())
            .map_err(|line| *line);
        assert_eq!(
            found,
            wanted.map(|records| records.iter().map(|record| record.to_vec()).collect()),
            "{text:?}"
        );
    }

    #[test]
    fn fields_are_between_commas() {
        check("", Ok(&[]));
        check("a,b\nc", Ok(&[&["a", "b"], &["c"]]));
        check("a,,\r\n\r\n\n b ,c\r\n", Ok(&[&["a", "", ""], &[" b ", "c"]]));
    }

    #[test]
    fn quotes_hold_commas_quotes_and_line_ends() {
        check("t,u,1,\"a,b\"\n", Ok(&[&["t", "u", "1", "a,b"]]));
        check("\"a\"\"b\",\"\",\"c\nd\"", Ok(&[&["a\"b", "", "c\nd"]]));
    }

    #[test]
    fn quotes_out_of_place_are_refused() {
        check("a\"b", Err(1));
        check("a\n\"b", Err(2));
        check("\"a\nb\"c", Err(2));
    }
}
