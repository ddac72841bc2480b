//! JSON patch, RFC 6902.

mod pointer;

use serde_json::Value;

use crate::decode::{MAX_DEPTH, count_within};
use pointer::Pointer;

/// How many operations one patch may have.
pub const MAX_OPERATIONS: usize = 10_000;
/// How many bytes all `copy` operations of a patch may copy together.
pub const MAX_COPIED: usize = 3 << 20;
/// How many values all operations of a patch may look at or shift together: ten thousand operations on the front of
/// a long list would take minutes.
const MAX_WORK: usize = 20_000_000;

/// Why a patch cannot be applied. [`ApplyJsonPatch::code`] tells 400 and 413 from 422.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyJsonPatch {
    #[error("{0}")]
    ReadPatch(String),
    #[error("Allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {0}")]
    CountOperations(usize),
    #[error("operation {index} ({op} {path:?}) cannot be applied: {why}")]
    ApplyOperation {
        /// Which operation.
        index: usize,
        /// `add`, `remove` …
        op: String,
        /// Where it was to act.
        path: String,
        /// Why it cannot.
        why: String,
    },
    #[error("testing value at {path:?} failed in operation {index}")]
    TestValue {
        /// Which operation.
        index: usize,
        /// What was compared.
        path: String,
    },
    #[error("copying in operation {index} exceeds {MAX_COPIED} bytes")]
    CopyValue {
        /// Which operation.
        index: usize,
    },
    #[error("operation {index} would nest values deeper than {MAX_DEPTH} levels")]
    NestValue {
        /// Which operation.
        index: usize,
    },
    #[error("operation {index} exceeds the {MAX_WORK} values that a patch may touch")]
    TouchValues {
        /// Which operation.
        index: usize,
    },
}

impl ApplyJsonPatch {
    /// The HTTP code: 400 for what is no patch, 413 for what is too large, 422 for what does not apply.
    pub fn code(&self) -> u16 {
        match self {
            Self::ReadPatch(_) => 400,
            Self::CountOperations(_) => 413,
            _ => 422,
        }
    }
}

/// Applies a list of operations in order; either all of them or none.
pub fn json_patch(target: &Value, patch: &Value) -> Result<Value, ApplyJsonPatch> {
    let Value::Array(operations) = patch else {
        return Err(ApplyJsonPatch::ReadPatch("a JSON patch is a list of operations".to_owned()));
    };
    if operations.len() > MAX_OPERATIONS {
        return Err(ApplyJsonPatch::CountOperations(operations.len()));
    }
    let mut result = target.clone();
    let mut budget = Budget { copied: MAX_COPIED, work: MAX_WORK };
    for (index, operation) in operations.iter().enumerate() {
        Step::read(index, operation)?.apply(&mut result, &mut budget)?;
    }
    Ok(result)
}

/// What is left of what a patch may cost.
struct Budget {
    copied: usize,
    work: usize,
}

/// One operation.
struct Step<'a> {
    index: usize,
    op: &'a str,
    path: &'a str,
    from: Option<&'a str>,
    value: Option<&'a Value>,
}

impl<'a> Step<'a> {
    fn read(index: usize, operation: &'a Value) -> Result<Self, ApplyJsonPatch> {
        let Value::Object(fields) = operation else {
            return Err(ApplyJsonPatch::ReadPatch(format!("operation {index} of the patch is not an object")));
        };
        let text = |name: &str| match fields.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err(ApplyJsonPatch::ReadPatch(format!("{name} of operation {index} is not a string"))),
        };
        let (op, path, from) = (text("op")?.unwrap_or_default(), text("path")?, text("from")?);
        let step = Self { index, op, path: path.unwrap_or_default(), from, value: fields.get("value") };
        if path.is_none() {
            return Err(step.fail("the path is missing"));
        }
        Ok(step)
    }

    fn fail(&self, why: impl Into<String>) -> ApplyJsonPatch {
        let (op, path) = (self.op.to_owned(), self.path.to_owned());
        ApplyJsonPatch::ApplyOperation { index: self.index, op, path, why: why.into() }
    }

    fn value(&self) -> Result<Value, ApplyJsonPatch> {
        self.value.cloned().ok_or_else(|| self.fail("the value is missing"))
    }

    fn pointer(&self, text: &str) -> Result<Pointer, ApplyJsonPatch> {
        Pointer::parse(text).map_err(|why| self.fail(why))
    }

    fn source(&self) -> Result<Pointer, ApplyJsonPatch> {
        let from = self.from.ok_or_else(|| self.fail("from is missing"))?;
        self.pointer(from)
    }

    fn apply(&self, target: &mut Value, budget: &mut Budget) -> Result<(), ApplyJsonPatch> {
        let at = self.pointer(self.path)?;
        match self.op {
            "add" => self.add(&at, target, self.value()?, budget),
            "remove" => self.remove(&at, target, budget).map(drop),
            "replace" => {
                let value = self.value()?;
                self.check_fits(&at, &value, budget)?;
                *at.find_mut(target).map_err(|it| self.fail(it))? = value;
                Ok(())
            }
            "move" => {
                let from = self.source()?;
                if at.is_below(&from) {
                    return Err(self.fail("a value cannot be moved into itself"));
                }
                let value = self.remove(&from, target, budget)?;
                self.add(&at, target, value, budget)
            }
            "copy" => {
                let source = self.source()?;
                let value = source.find(target).map_err(|it| self.fail(it))?;
                let left = budget.copied.checked_sub(size(value));
                budget.copied = left.ok_or(ApplyJsonPatch::CopyValue { index: self.index })?;
                let value = value.clone();
                self.add(&at, target, value, budget)
            }
            "test" => {
                let wanted = self.value.unwrap_or(&Value::Null);
                // A field that is not there equals null, as the library of the API server has it.
                let found = at.find(target).unwrap_or(&Value::Null);
                if found == wanted {
                    return Ok(());
                }
                Err(ApplyJsonPatch::TestValue { index: self.index, path: self.path.to_owned() })
            }
            other => Err(self.fail(format!("{other:?} is not an operation"))),
        }
    }

    fn add(&self, at: &Pointer, target: &mut Value, value: Value, budget: &mut Budget) -> Result<(), ApplyJsonPatch> {
        self.check_fits(at, &value, budget)?;
        let shifted = at.add(target, value).map_err(|it| self.fail(it))?;
        self.charge(shifted, budget)
    }

    fn remove(&self, at: &Pointer, target: &mut Value, budget: &mut Budget) -> Result<Value, ApplyJsonPatch> {
        let (value, shifted) = at.remove(target).map_err(|it| self.fail(it))?;
        self.charge(shifted, budget)?;
        Ok(value)
    }

    /// Refused before it happens, so that no tree is ever deeper than what recursion over it can take.
    fn check_fits(&self, at: &Pointer, value: &Value, budget: &mut Budget) -> Result<(), ApplyJsonPatch> {
        let levels = MAX_DEPTH.checked_sub(at.depth());
        let count = levels.and_then(|it| count_within(value, it));
        self.charge(count.ok_or(ApplyJsonPatch::NestValue { index: self.index })?, budget)
    }

    fn charge(&self, values: usize, budget: &mut Budget) -> Result<(), ApplyJsonPatch> {
        budget.work = budget.work.checked_sub(values).ok_or(ApplyJsonPatch::TouchValues { index: self.index })?;
        Ok(())
    }
}

/// About how many bytes a value takes as JSON.
fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 2,
        Value::Array(list) => list.iter().map(size).fold(2, |sum, it| sum.saturating_add(it + 1)),
        Value::Object(object) => {
            object.iter().fold(2, |sum, (name, it)| sum.saturating_add(name.len() + 4).saturating_add(size(it)))
        }
        _ => 8,
    }
}

#[cfg(test)]
mod tests;
