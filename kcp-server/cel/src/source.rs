use std::fmt::{self, Write as _};

/// What is wrong with an expression, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Offset in bytes of what it is about; `None` if it is about the expression as a whole.
    pub at: Option<u32>,
    /// What is wrong, in the words of cel-go.
    pub message: String,
}

/// Everything that is wrong with an expression. It is printed as cel-go prints its issues, each with
/// the line and a mark under the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems {
    source: Box<str>,
    /// At least one, in the order of the text.
    pub problems: Vec<Problem>,
}

/// Most problems that are printed.
const PRINTED: usize = 100;
/// Longest line that is quoted, in characters. A longer one is not shown at all.
const QUOTED: usize = 2_000;

impl Problems {
    pub(crate) fn new(source: &str, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| problem.at);
        problems.dedup();
        Self { source: source.into(), problems }
    }
}

impl std::error::Error for Problems {}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().take(PRINTED).enumerate() {
            if index > 0 {
                f.write_char('\n')?;
            }
            print(&self.source, problem, f)?;
        }
        match self.problems.len().checked_sub(PRINTED) {
            Some(more) if more > 0 => write!(f, "\n{more} more errors were truncated"),
            _ => Ok(()),
        }
    }
}

/// Line from 1, column in characters from 0, and the line itself.
pub(crate) fn locate(source: &str, at: u32) -> (usize, usize, &str) {
    let at = usize::try_from(at).unwrap_or(usize::MAX).min(source.len());
    let before = source.get(..at).unwrap_or(source);
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = source[start..].split('\n').next().unwrap_or_default();
    (before.matches('\n').count() + 1, before[start..].chars().count(), line)
}

fn print(source: &str, problem: &Problem, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Some(at) = problem.at else {
        return write!(f, "ERROR: <input>:-1:0: {}", problem.message);
    };
    let (line, column, text) = locate(source, at);
    write!(f, "ERROR: <input>:{line}:{}: {}", column + 1, problem.message)?;
    if text.chars().count() > QUOTED {
        return Ok(());
    }
    write!(f, "\n | {}\n | ", text.replace('\t', " "))?;
    let wide = |c: Option<char>| c.is_some_and(|c| c.len_utf8() > 1);
    let mut chars = text.chars();
    for c in chars.by_ref().take(column) {
        f.write_char(if wide(Some(c)) { '．' } else { '.' })?;
    }
    f.write_char(if wide(chars.next()) { '＾' } else { '^' })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_shows_its_place() {
        let problem = |at, message: &str| Problem { at: Some(at), message: message.into() };
        let problems = Problems::new("a &&\n\té + b", vec![problem(10, "second"), problem(6, "first")]);
        assert_eq!(
            problems.to_string(),
            "ERROR: <input>:2:2: first\n |  é + b\n | .＾\nERROR: <input>:2:5: second\n |  é + b\n | .．..^"
        );
    }
}
