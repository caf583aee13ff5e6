//! What a request asks for, read from its line and headers alone. Nothing here knows what exists.

mod accept;
mod info;
mod options;

pub use accept::{As, Encoding, Format, MediaType, choose};
pub use info::{ClusterPart, Info, ParseError, ResourceTarget, Target, Verb, parse_uri};
pub(crate) use options::wrong_dry_runs;
pub use options::{Match, Options, OptionsError};
