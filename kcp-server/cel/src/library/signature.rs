use crate::types::{Opaque, Type};

/// The types of a function's arguments and result.
#[derive(Debug)]
pub(crate) struct Signature {
    /// `a.f(b)`: the first parameter is `a`.
    pub(crate) member: bool,
    pub(crate) parameters: Vec<Type>,
    pub(crate) result: Type,
    /// How many type parameters it has; they are `Param(0)` and so on.
    pub(crate) variables: u32,
}

/// Reads `list(A).(A, int) -> B`. The text is ours; what it does not know becomes `dyn`, and a test
/// shows that nothing does.
pub(crate) fn parse(text: &str) -> Signature {
    let mut reader = Reader { rest: text, variables: 0 };
    let mut parameters = Vec::new();
    let member = !reader.rest.starts_with('(');
    if member {
        parameters.push(reader.one());
        reader.eat(".");
    }
    parameters.extend(reader.many());
    reader.eat("->");
    let result = reader.one();
    Signature { member, parameters, result, variables: reader.variables }
}

struct Reader<'t> {
    rest: &'t str,
    variables: u32,
}

impl Reader<'_> {
    fn eat(&mut self, text: &str) -> bool {
        self.rest = self.rest.trim_start();
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Types in brackets.
    fn many(&mut self) -> Vec<Type> {
        let mut types = Vec::new();
        self.eat("(");
        while !self.eat(")") && !self.rest.is_empty() {
            let before = self.rest.len();
            types.push(self.one());
            self.eat(",");
            if self.rest.len() == before {
                break;
            }
        }
        types
    }

    fn one(&mut self) -> Type {
        self.rest = self.rest.trim_start();
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        let inner = if rest.starts_with('(') { self.many() } else { Vec::new() };
        let mut inner = inner.into_iter();
        let mut next = || inner.next().unwrap_or(Type::Dyn);
        match name {
            "null" => Type::Null,
            "bool" => Type::Bool,
            "int" => Type::Int,
            "uint" => Type::Uint,
            "double" => Type::Double,
            "string" => Type::String,
            "bytes" => Type::Bytes,
            "duration" => Type::Duration,
            "timestamp" => Type::Timestamp,
            "list" => Type::list(next()),
            "map" => Type::map(next(), next()),
            "optional" => Type::optional(next()),
            "type" => Type::type_of(next()),
            "ip" => Type::Opaque(Opaque::Ip),
            "cidr" => Type::Opaque(Opaque::Cidr),
            "url" => Type::Opaque(Opaque::Url),
            "quantity" => Type::Opaque(Opaque::Quantity),
            "semver" => Type::Opaque(Opaque::Semver),
            "format" => Type::Opaque(Opaque::Format),
            "authorizer" => Type::Opaque(Opaque::Authorizer),
            "path" => Type::Opaque(Opaque::PathCheck),
            "group" => Type::Opaque(Opaque::GroupCheck),
            "resource" => Type::Opaque(Opaque::ResourceCheck),
            "decision" => Type::Opaque(Opaque::Decision),
            "A" => self.variable(0),
            "B" => self.variable(1),
            _ => Type::Dyn,
        }
    }

    fn variable(&mut self, number: u32) -> Type {
        self.variables = self.variables.max(number + 1);
        Type::Param(number)
    }
}
