//! `--token-auth-file`: tokens that never change, each with its user.

use crate::{Digest, csv, digest};
use kcp_authz::User;
use std::collections::HashMap;

/// Tokens and their users. Only digests of the tokens are kept.
#[derive(Debug, Default)]
pub struct TokenFile(HashMap<Digest, User>);

/// The file is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenFileError {
    /// A quote out of place.
    #[error("token file: record on line {0}: wrong quotes")]
    Quotes(usize),
    /// A line too short. The record is told by its number: the line holds a secret.
    #[error(
        "token file must have at least 3 columns (token, user name, user uid), found {columns} in record {record}"
    )]
    Columns {
        /// Number of the record, from 1.
        record: usize,
        /// How many there are.
        columns: usize,
    },
}

impl TokenFile {
    /// Reads lines of `token,user,uid,"group1,group2"`; the groups may be missing. Of a token that
    /// is there twice the last counts, and lines without a token are passed over.
    ///
    /// # Errors
    /// See [`TokenFileError`].
    pub fn read(text: &str) -> Result<Self, TokenFileError> {
        let mut users = HashMap::new();
        let records = csv::records(text).map_err(TokenFileError::Quotes)?;
        for (at, record) in records.iter().enumerate() {
            let [token, name, uid, rest @ ..] = &record[..] else {
                return Err(TokenFileError::Columns { record: at + 1, columns: record.len() });
            };
            if token.is_empty() {
                continue;
            }
            let groups = rest.first().filter(|groups| !groups.is_empty());
            let user = User {
                name: name.clone(),
                uid: uid.clone(),
                groups: groups
                    .map(|groups| groups.split(',').map(str::to_owned).collect())
                    .unwrap_or_default(),
                ..User::default()
            };
            users.insert(digest(token.as_bytes()), user);
        }
        Ok(Self(users))
    }

    pub(crate) fn user(&self, token: &str) -> Option<User> {
        self.0.get(&digest(token.as_bytes())).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_user() {
        let file =
            TokenFile::read("t1,alice,7\nt2,bob,8,\"team,staff\"\n,nobody,9\nt1,carol,\n").expect("a file");
        let bob = file.user("t2").expect("bob");
        assert_eq!((bob.name.as_str(), bob.uid.as_str()), ("bob", "8"));
        assert_eq!(bob.groups, ["team", "staff"]);
        assert_eq!(file.user("t1").expect("the last").name, "carol");
        assert_eq!((file.user(""), file.user("t")), (None, None));
    }

    #[test]
    fn errors_do_not_repeat_the_line() {
        let error = TokenFile::read("a,b,c\nsecret,bob").expect_err("two columns").to_string();
        assert_eq!(
            error,
            "token file must have at least 3 columns (token, user name, user uid), found 2 in record 2"
        );
        assert_eq!(TokenFile::read("\"secret").expect_err("a quote"), TokenFileError::Quotes(1));
    }
}
