//! What looks like a call and is syntax: `has`, loops over lists and maps, binds.

use crate::{
    ast::{ACCUMULATOR, Comprehension, Element, Id, Kind, Literal, UNUSED},
    parser::{Abort, Parser},
};

/// A call, or what the macro of that name makes of it.
pub(crate) fn expand(
    parser: &mut Parser<'_>,
    at: u32,
    function: Box<str>,
    target: Option<Id>,
    args: Vec<Id>,
) -> Result<Id, Abort> {
    let mut maker = Maker { parser, at };
    let made = match (target, &*function, args.as_slice()) {
        (None, "has", [arg]) => Some(maker.has(*arg)?),
        (Some(range), _, _) => maker.receiver(&function, range, &args)?,
        (None, _, _) => None,
    };
    match made {
        Some(id) => Ok(id),
        None => parser.add(at, Kind::Call { function: String::from(function).into(), target, args }),
    }
}

struct Maker<'p, 's> {
    parser: &'p mut Parser<'s>,
    at: u32,
}

/// The two variables of a loop.
type Pair = (Box<str>, Box<str>);

/// The parts of a loop that its macro decides.
struct Fold {
    init: Id,
    condition: Id,
    step: Id,
    result: Id,
}

impl Maker<'_, '_> {
    fn receiver(&mut self, function: &str, range: Id, args: &[Id]) -> Result<Option<Id>, Abort> {
        let two = self.parser.environment.two_variables();
        Ok(Some(match (function, args) {
            ("all" | "exists" | "exists_one" | "existsOne", [variable, test]) => {
                let Some(variable) = self.variable(*variable, "argument must be a simple name")? else {
                    return self.nothing().map(Some);
                };
                let fold = self.quantifier(function, *test)?;
                self.comprehension(range, variable, None, fold)?
            }
            ("map", [variable, value]) => self.map(range, *variable, None, *value)?,
            ("map", [variable, filter, value]) => self.map(range, *variable, Some(*filter), *value)?,
            ("filter", [variable, filter]) => self.map(range, *variable, Some(*filter), *variable)?,
            ("all" | "exists" | "exists_one" | "existsOne", [first, second, test]) if two => {
                let Some((first, second)) = self.variables(*first, *second)? else {
                    return self.nothing().map(Some);
                };
                let fold = self.quantifier(function, *test)?;
                self.comprehension(range, first, Some(second), fold)?
            }
            ("transformList" | "transformMap" | "transformMapEntry", [first, second, rest @ ..])
                if two && matches!(rest.len(), 1 | 2) =>
            {
                self.transform(function, range, (*first, *second), rest)?
            }
            ("optMap" | "optFlatMap", [variable, value]) if self.parser.environment.optionals() => {
                self.optional_map(function, range, *variable, *value)?
            }
            ("sortBy", [variable, key]) if self.parser.environment.sorts() => {
                self.sort_by(range, *variable, *key)?
            }
            ("bind", [variable, init, result])
                if self.parser.environment.binds()
                    && matches!(self.parser.kind(range), Kind::Ident(name) if &**name == "cel") =>
            {
                let message = "cel.bind() variable names must be simple identifiers";
                match self.simple(*variable, message) {
                    Some(name) => self.bind(name, *init, *result)?,
                    None => self.nothing()?,
                }
            }
            _ => return Ok(None),
        }))
    }

    /// Stands where a macro could not be expanded; the problem is written down.
    fn nothing(&mut self) -> Result<Id, Abort> {
        self.literal(Literal::Null)
    }

    fn has(&mut self, arg: Id) -> Result<Id, Abort> {
        if let Kind::Select { operand, field, test: false } = self.parser.kind(arg) {
            let kind = Kind::Select { operand: *operand, field: field.clone(), test: true };
            return self.parser.add(self.at, kind);
        }
        self.parser.problem(self.parser.at(arg), "invalid argument to has() macro".to_owned());
        self.nothing()
    }

    fn quantifier(&mut self, function: &str, test: Id) -> Result<Fold, Abort> {
        let accu = self.accu()?;
        Ok(match function {
            "all" => Fold {
                init: self.literal(Literal::Bool(true))?,
                condition: self.call("@not_strictly_false", vec![accu])?,
                step: self.call("_&&_", vec![accu, test])?,
                result: accu,
            },
            "exists" => {
                let not = self.call("!_", vec![accu])?;
                Fold {
                    init: self.literal(Literal::Bool(false))?,
                    condition: self.call("@not_strictly_false", vec![not])?,
                    step: self.call("_||_", vec![accu, test])?,
                    result: accu,
                }
            }
            _ => {
                let one = self.literal(Literal::Int(1))?;
                let more = self.call("_+_", vec![accu, one])?;
                Fold {
                    init: self.literal(Literal::Int(0))?,
                    condition: self.literal(Literal::Bool(true))?,
                    step: self.call("_?_:_", vec![test, more, accu])?,
                    result: self.call("_==_", vec![accu, one])?,
                }
            }
        })
    }

    fn map(&mut self, range: Id, variable: Id, filter: Option<Id>, value: Id) -> Result<Id, Abort> {
        let Some(name) = self.variable(variable, "argument is not an identifier")? else {
            return self.nothing();
        };
        let fold = self.collect(filter, value)?;
        self.comprehension(range, name, None, fold)
    }

    fn collect(&mut self, filter: Option<Id>, value: Id) -> Result<Fold, Abort> {
        let accu = self.accu()?;
        let list = self.list(vec![value])?;
        let step = self.call("_+_", vec![accu, list])?;
        Ok(Fold {
            init: self.list(Vec::new())?,
            condition: self.literal(Literal::Bool(true))?,
            step: self.filtered(filter, step, accu)?,
            result: accu,
        })
    }

    fn filtered(&mut self, filter: Option<Id>, step: Id, accu: Id) -> Result<Id, Abort> {
        match filter {
            Some(filter) => self.call("_?_:_", vec![filter, step, accu]),
            None => Ok(step),
        }
    }

    fn transform(
        &mut self,
        function: &str,
        range: Id,
        variables: (Id, Id),
        rest: &[Id],
    ) -> Result<Id, Abort> {
        let Some((first, second)) = self.variables(variables.0, variables.1)? else {
            return self.nothing();
        };
        let (filter, value) = match rest {
            [filter, value] => (Some(*filter), *value),
            [value, ..] => (None, *value),
            [] => return self.nothing(),
        };
        if function == "transformList" {
            let fold = self.collect(filter, value)?;
            return self.comprehension(range, first, Some(second), fold);
        }
        let accu = self.accu()?;
        let inserted = if function == "transformMap" {
            let key = self.ident(&first)?;
            vec![accu, key, value]
        } else {
            vec![accu, value]
        };
        let step = self.call("cel.@mapInsert", inserted)?;
        let fold = Fold {
            init: self.parser.add(self.at, Kind::Map(Vec::new()))?,
            condition: self.literal(Literal::Bool(true))?,
            step: self.filtered(filter, step, accu)?,
            result: accu,
        };
        self.comprehension(range, first, Some(second), fold)
    }

    fn optional_map(&mut self, function: &str, target: Id, variable: Id, value: Id) -> Result<Id, Abort> {
        let message = format!("{function}() variable name must be a simple identifier");
        let Some(name) = self.simple(variable, &message) else { return self.nothing() };
        let unwrapped = self.member("value", target)?;
        let mut mapped = self.bind(name, unwrapped, value)?;
        if function == "optMap" {
            mapped = self.call("optional.of", vec![mapped])?;
        }
        let has = self.member("hasValue", target)?;
        let none = self.call("optional.none", Vec::new())?;
        self.call("_?_:_", vec![has, mapped, none])
    }

    /// The elements in the order of what `key` says of each: `l.sortBy(x, x.name)`.
    fn sort_by(&mut self, list: Id, variable: Id, key: Id) -> Result<Id, Abort> {
        const SORTED: &str = "@__sortBy_input__";
        let input = self.ident(SORTED)?;
        let keys = self.map(input, variable, None, key)?;
        let kind =
            Kind::Call { function: "@sortByAssociatedKeys".into(), target: Some(input), args: vec![keys] };
        let sorted = self.parser.add(self.at, kind)?;
        self.bind(SORTED.into(), list, sorted)
    }

    fn bind(&mut self, name: Box<str>, init: Id, result: Id) -> Result<Id, Abort> {
        let kind = Comprehension {
            range: self.list(Vec::new())?,
            variable: UNUSED.into(),
            second: None,
            condition: self.literal(Literal::Bool(false))?,
            step: self.ident(&name)?,
            accu: name,
            init,
            result,
            bind: true,
        };
        self.parser.add(self.at, Kind::Comprehension(Box::new(kind)))
    }

    fn comprehension(
        &mut self,
        range: Id,
        variable: Box<str>,
        second: Option<Box<str>>,
        fold: Fold,
    ) -> Result<Id, Abort> {
        let Fold { init, condition, step, result } = fold;
        let accu = ACCUMULATOR.into();
        let kind =
            Comprehension { range, variable, second, accu, init, condition, step, result, bind: false };
        self.parser.add(self.at, Kind::Comprehension(Box::new(kind)))
    }

    fn simple(&mut self, id: Id, message: &str) -> Option<Box<str>> {
        if let Kind::Ident(name) = self.parser.kind(id) {
            return Some(name.clone());
        }
        self.parser.problem(self.parser.at(id), message.to_owned());
        None
    }

    /// The name of a loop variable.
    fn variable(&mut self, id: Id, message: &str) -> Result<Option<Box<str>>, Abort> {
        let Some(name) = self.simple(id, message) else { return Ok(None) };
        if &*name == "__result__" {
            let message = "iteration variable overwrites accumulator variable".to_owned();
            self.parser.problem(self.parser.at(id), message);
            return Ok(None);
        }
        Ok(Some(name))
    }

    fn variables(&mut self, first: Id, second: Id) -> Result<Option<Pair>, Abort> {
        let message = "argument must be a simple name";
        let (Some(one), Some(other)) = (self.variable(first, message)?, self.variable(second, message)?)
        else {
            return Ok(None);
        };
        if one == other {
            self.parser.problem(self.parser.at(second), format!("duplicate variable name: {one}"));
            return Ok(None);
        }
        Ok(Some((one, other)))
    }

    fn accu(&mut self) -> Result<Id, Abort> {
        self.ident(ACCUMULATOR)
    }

    fn ident(&mut self, name: &str) -> Result<Id, Abort> {
        self.parser.add(self.at, Kind::Ident(name.into()))
    }

    fn literal(&mut self, literal: Literal) -> Result<Id, Abort> {
        self.parser.add(self.at, Kind::Literal(literal))
    }

    fn list(&mut self, values: Vec<Id>) -> Result<Id, Abort> {
        let elements = values.into_iter().map(|value| Element { value, optional: false }).collect();
        self.parser.add(self.at, Kind::List(elements))
    }

    fn call(&mut self, function: &'static str, args: Vec<Id>) -> Result<Id, Abort> {
        self.parser.call(self.at, function, args)
    }

    fn member(&mut self, function: &'static str, target: Id) -> Result<Id, Abort> {
        let kind = Kind::Call { function: function.into(), target: Some(target), args: Vec::new() };
        self.parser.add(self.at, kind)
    }
}
