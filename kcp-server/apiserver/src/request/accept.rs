/// How bytes are spelt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// `application/json`
    Json,
    /// `application/yaml`
    Yaml,
}

/// What an object is turned into before it is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum As {
    /// Nothing.
    Object,
    /// `meta.k8s.io` Table of this version.
    Table(&'static str),
    /// Metadata only.
    Metadata,
    /// A list of metadata only.
    MetadataList,
}

/// What a client gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Format {
    /// Spelling.
    pub encoding: Encoding,
    /// Transformation.
    pub convert: As,
}

/// One clause of an `Accept` header, or a `Content-Type`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MediaType {
    /// `application/json`, lower case.
    pub kind: String,
    /// `as`
    pub convert: String,
    /// `g`
    pub group: String,
    /// `v`
    pub version: String,
    /// `profile`, of discovery documents.
    pub profile: String,
    /// `q`, in thousandths.
    pub quality: u16,
}

impl MediaType {
    /// Reads one clause.
    #[must_use]
    pub fn parse(clause: &str) -> Self {
        let mut parts = clause.split(';');
        let mut media = Self {
            kind: parts.next().unwrap_or_default().trim().to_ascii_lowercase(),
            quality: 1000,
            ..Self::default()
        };
        for (name, value) in parts.filter_map(|part| part.split_once('=')) {
            let value = value.trim().trim_matches('"').to_owned();
            match name.trim() {
                "as" => media.convert = value,
                "g" => media.group = value,
                "v" => media.version = value,
                "profile" => media.profile = value,
                "q" => {
                    let quality = value.parse::<f32>().unwrap_or(0.0).clamp(0.0, 1.0) * 1000.0;
                    // Between 0 and 1000 by construction.
                    media.quality = quality as u16;
                }
                _ => {}
            }
        }
        media
    }

    /// Reads a whole `Accept` header, best clause first.
    #[must_use]
    pub fn parse_accept(header: &str) -> Vec<Self> {
        // More clauses than any client sends are not looked at.
        let mut clauses: Vec<_> =
            header.split(',').take(32).map(Self::parse).filter(|m| m.quality > 0).collect();
        clauses.sort_by_key(|media| std::cmp::Reverse(media.quality));
        clauses
    }

    fn encoding(&self) -> Option<Encoding> {
        match self.kind.as_str() {
            "*/*" | "application/*" | "application/json" => Some(Encoding::Json),
            "application/yaml" | "text/yaml" => Some(Encoding::Yaml),
            _ => None,
        }
    }

    fn conversion(&self) -> Option<As> {
        if self.convert.is_empty() {
            return Some(As::Object);
        }
        let version = match self.version.as_str() {
            "v1" => "v1",
            "v1beta1" => "v1beta1",
            _ => return None,
        };
        match (self.convert.as_str(), self.group.as_str()) {
            ("Table", "meta.k8s.io") => Some(As::Table(version)),
            ("PartialObjectMetadata", "meta.k8s.io") => Some(As::Metadata),
            ("PartialObjectMetadataList", "meta.k8s.io") => Some(As::MetadataList),
            _ => None,
        }
    }
}

/// The first clause that can be served; `None` when none can (406). No header means JSON.
#[must_use]
pub fn choose(header: Option<&str>) -> Option<Format> {
    let header = header.unwrap_or_default();
    if header.trim().is_empty() {
        return Some(Format { encoding: Encoding::Json, convert: As::Object });
    }
    MediaType::parse_accept(header)
        .iter()
        .find_map(|media| Some(Format { encoding: media.encoding()?, convert: media.conversion()? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: &str, expected: Option<(Encoding, As)>) {
        assert_eq!(
            choose(Some(header)),
            expected.map(|(encoding, convert)| Format { encoding, convert }),
            "{header}"
        );
    }

    #[test]
    fn the_first_clause_that_can_be_served_counts() {
        check("", Some((Encoding::Json, As::Object)));
        check("*/*", Some((Encoding::Json, As::Object)));
        check("application/vnd.kubernetes.protobuf, application/json", Some((Encoding::Json, As::Object)));
        check(
            "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json",
            Some((Encoding::Json, As::Table("v1"))),
        );
        check(
            "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json",
            Some((Encoding::Json, As::MetadataList)),
        );
        check("application/json;q=0.1, application/yaml", Some((Encoding::Yaml, As::Object)));
        check("application/vnd.kubernetes.protobuf", None);
        check("image/png", None);
    }
}
