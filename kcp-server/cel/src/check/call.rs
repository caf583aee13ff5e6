use super::{Checker, Reference, bind};
use crate::{
    ast::{Id, Kind, Literal},
    library::table::{self, Overload},
    types::Type,
};

impl<'a> Checker<'a> {
    pub(super) fn call(&mut self, id: Id, function: &str, target: Option<Id>, args: &'a [Id]) -> Type {
        if function == "_?._" {
            return self.optional_field(id, args);
        }
        for arg in args {
            self.check(*arg);
        }
        let Some(target) = target else {
            let function = function.strip_prefix('.').unwrap_or(function);
            return self.resolved(id, function, None, args, false);
        };
        if let Some(prefix) = self.ast.qualified(target) {
            let name = format!("{prefix}.{function}");
            let name = name.strip_prefix('.').unwrap_or(&name);
            if table::find(name, self.environment).is_some() {
                return self.resolved(id, name, None, args, true);
            }
        }
        self.check(target);
        self.resolved(id, function, Some(target), args, false)
    }

    /// `a.?b`
    fn optional_field(&mut self, id: Id, args: &[Id]) -> Type {
        let [operand, field] = args else {
            self.problem(
                id,
                format!(
                    "unsupported optional field selection: incorrect signature. argument count: {}",
                    args.len()
                ),
            );
            return Type::Error;
        };
        let ast = self.ast;
        let Kind::Literal(Literal::String(name)) = ast.kind(*field) else {
            self.problem(*field, "unsupported optional field selection".to_owned());
            return Type::Error;
        };
        self.check(*field);
        self.field(id, *operand, name, true)
    }

    fn resolved(
        &mut self,
        id: Id,
        function: &str,
        target: Option<Id>,
        args: &[Id],
        namespaced: bool,
    ) -> Type {
        let Some(overloads) = table::find(function, self.environment) else {
            self.undeclared(id, function);
            return Type::Error;
        };
        if let "_&&_" | "_||_" = function {
            self.references[id.index()] = Reference::Call { overloads: overloads.collect(), namespaced };
            return self.logical(args);
        }
        let given: Vec<Type> = target.iter().chain(args).map(|arg| self.type_of(*arg)).collect();
        let mut meant: Vec<&'static Overload> = Vec::new();
        let mut result: Option<Type> = None;
        for overload in overloads {
            let signature = &overload.signature;
            if signature.member != target.is_some() || signature.parameters.len() != given.len() {
                continue;
            }
            let first =
                if signature.variables > 0 { self.bindings.fresh_many(signature.variables) } else { 0 };
            let fits = if signature.variables > 0 {
                let wanted: Vec<Type> =
                    signature.parameters.iter().map(|of| bind::renumbered(of, first)).collect();
                self.bindings.all_assignable(&given, &wanted)
            } else {
                self.bindings.all_assignable(&given, &signature.parameters)
            };
            if !fits {
                continue;
            }
            meant.push(overload);
            let of = self.bindings.substitute(&bind::renumbered(&signature.result, first));
            result = Some(match result {
                None => of,
                Some(before) if before.is_dyn() || before == of => before,
                Some(_) => Type::Dyn,
            });
        }
        let Some(result) = result else {
            self.no_overload(id, function, &given, target.is_some());
            return Type::Error;
        };
        self.references[id.index()] = Reference::Call { overloads: meant, namespaced };
        result
    }

    fn logical(&mut self, args: &[Id]) -> Type {
        let mut of = Type::Bool;
        for arg in args {
            let found = self.type_of(*arg);
            if !self.bindings.assignable(&found, &Type::Bool) {
                self.mismatch(*arg, &Type::Bool, &found);
                of = Type::Error;
            }
        }
        of
    }

    fn no_overload(&mut self, id: Id, function: &str, given: &[Type], member: bool) {
        let names: Vec<String> = given.iter().map(|of| self.bindings.resolve(of).to_string()).collect();
        let signature = match names.split_first() {
            Some((target, rest)) if member => format!("{target}.({})", rest.join(", ")),
            _ => format!("({})", names.join(", ")),
        };
        self.problem(id, format!("found no matching overload for '{function}' applied to '{signature}'"));
    }
}
