use super::{
    Fault, Run,
    eval::truth,
    plan::{Body, Fold, NodeId},
};
use crate::{
    library::cost,
    value::{ANY, Val, read},
};
use kcp_apimachinery::Value;

impl<'a> Run<'a, '_, '_> {
    pub(super) fn fold(&mut self, fold: &'a Fold) -> Result<Val<'a>, Fault> {
        let range = self.eval(fold.range)?;
        if !range.is_list() && !range.is_map() {
            return Err(Fault::error("no such overload").at(fold.at));
        }
        match &fold.body {
            Body::All(test) => self.quantifier(fold, &range, *test, false),
            Body::Exists(test) => self.quantifier(fold, &range, *test, true),
            Body::Loop { condition, step, result } => {
                self.slots[usize::from(fold.accu)] = self.eval(fold.init)?;
                let mut failed = None;
                self.each(fold, &range, |run| {
                    if let Some(condition) = condition
                        && !matches!(run.eval(*condition)?, Val::Bool(true))
                    {
                        return Ok(false);
                    }
                    // As in cel-go an error does not end the loop; the rest is evaluated and counted.
                    match run.eval(*step) {
                        Ok(next) => run.slots[usize::from(fold.accu)] = next,
                        Err(fault @ Fault::Error(_)) => failed = failed.take().or(Some(fault)),
                        Err(stop) => return Err(stop),
                    }
                    Ok(true)
                })?;
                let value = self.eval(*result)?;
                failed.map_or(Ok(value), Err)
            }
        }
    }

    /// `all` and `exists`. What is charged is what cel-go's expansion of these macros costs: the
    /// condition of the loop, and the accumulator whenever it is looked at.
    fn quantifier(
        &mut self,
        fold: &'a Fold,
        range: &Val<'a>,
        test: NodeId,
        decides: bool,
    ) -> Result<Val<'a>, Fault> {
        let condition = if decides { cost::NAME + 2 } else { cost::NAME + 1 };
        let mut decided = false;
        let mut failed = None;
        self.each(fold, range, |run| {
            run.meter.charge(condition)?;
            if decided {
                return Ok(false);
            }
            run.meter.charge(cost::NAME)?;
            match run.eval(test) {
                Ok(Val::Bool(truth)) => decided = truth == decides,
                other => {
                    if let Err(fault) = truth(other)? {
                        failed.get_or_insert(fault);
                    }
                }
            }
            Ok(true)
        })?;
        self.meter.charge(cost::NAME)?;
        match failed {
            Some(fault) if !decided => Err(fault),
            _ => Ok(Val::Bool(decided == decides)),
        }
    }

    /// Goes through the elements of a list or the keys of a map until `step` says no.
    fn each(
        &mut self,
        fold: &'a Fold,
        range: &Val<'a>,
        mut step: impl FnMut(&mut Self) -> Result<bool, Fault>,
    ) -> Result<(), Fault> {
        let first = usize::from(fold.variable);
        if let (Val::Tree(Value::Array(items), decl), None) = (range, fold.second) {
            // The common case: nothing is looked up twice.
            let of = decl.element().map_or(&ANY, |of| of);
            for item in items {
                self.slots[first] = read(item, of).map_err(Fault::error)?;
                self.meter.work(1)?;
                if !step(self)? {
                    return Ok(());
                }
            }
            return Ok(());
        }
        if range.is_list() {
            for at in 0.. {
                let Some(item) = range.item(at) else { return Ok(()) };
                let item = item.map_err(Fault::error)?;
                match fold.second {
                    Some(second) => {
                        self.slots[first] = Val::Int(i64::try_from(at).unwrap_or(i64::MAX));
                        self.slots[usize::from(second)] = item;
                    }
                    None => self.slots[first] = item,
                }
                self.meter.work(1)?;
                if !step(self)? {
                    return Ok(());
                }
            }
        }
        for key in range.keys() {
            if let Some(second) = fold.second {
                let value = range.get(&key).map_err(Fault::error)?.unwrap_or_default();
                self.slots[usize::from(second)] = value;
            }
            self.slots[first] = key;
            self.meter.work(1)?;
            if !step(self)? {
                return Ok(());
            }
        }
        Ok(())
    }
}
