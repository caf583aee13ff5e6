//! Quantities of resources (`500m`, `2Gi`), as far as containers ask for theirs.

use k8s_openapi::{
    api::core::v1::{Container, Pod, ResourceFieldSelector},
    apimachinery::pkg::api::resource::Quantity,
};

/// What a container without limits has: all of the machine.
fn whole_machine(resource: &str) -> f64 {
    match resource {
        "cpu" => std::thread::available_parallelism().map_or(1.0, |cores| cores.get() as f64),
        "memory" => rustix::system::sysinfo().totalram as f64,
        _ => 0.0,
    }
}

/// The value of `limits.cpu` and the like, in units of the divisor, rounded up.
///
/// # Errors
/// Names the field or quantity that cannot be understood.
pub(crate) fn resource_field(
    pod: &Pod,
    container: &Container,
    field: &ResourceFieldSelector,
) -> Result<String, String> {
    let named = field.container_name.as_deref().filter(|name| !name.is_empty());
    let spec = pod.spec.as_ref();
    let container = match named {
        None => container,
        Some(name) => spec
            .and_then(|spec| spec.containers.iter().find(|container| container.name == name))
            .ok_or_else(|| format!("container {name} not found"))?,
    };
    let resources = container.resources.clone().unwrap_or_default();
    let (of, resource) =
        field.resource.split_once('.').ok_or("a resource field is <limits|requests>.<name>")?;
    let (wanted, other) = match of {
        "limits" => (resources.limits, None),
        "requests" => (resources.requests, resources.limits),
        _ => return Err(format!("resource field {} is not supported", field.resource)),
    };
    let quantity = [wanted, other].into_iter().flatten().find_map(|map| map.get(resource).cloned());
    let value = match quantity {
        Some(quantity) => parse(&quantity)?,
        None => whole_machine(resource),
    };
    let divisor = match &field.divisor {
        Some(divisor) if !divisor.0.is_empty() && divisor.0 != "0" => parse(divisor)?,
        _ => 1.0,
    };
    Ok(format!("{:.0}", (value / divisor).ceil()))
}

/// A quantity as a number.
fn parse(quantity: &Quantity) -> Result<f64, String> {
    let text = quantity.0.trim();
    let wrong = || format!("{text} is not a quantity");
    let digits =
        text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '+' | '-'))).unwrap_or(text.len());
    let (number, suffix) = text.split_at(digits);
    let factor = match suffix {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1024f64.powi(2),
        "Gi" => 1024f64.powi(3),
        "Ti" => 1024f64.powi(4),
        "Pi" => 1024f64.powi(5),
        "Ei" => 1024f64.powi(6),
        _ => return text.parse().map_err(|_| wrong()),
    };
    number.parse::<f64>().map(|number| number * factor).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(resource: &str, divisor: &str, expected: Result<&str, &str>) {
        let container = json!({ "name": "c", "resources": {
            "limits": { "cpu": "1500m", "memory": "2Gi" }, "requests": { "cpu": "0.5", "memory": "1e3" } } });
        let container: Container = serde_json::from_value(container).unwrap();
        let field = json!({ "resource": resource, "divisor": divisor });
        let got = resource_field(&Pod::default(), &container, &serde_json::from_value(field).unwrap());
        assert_eq!(got.as_deref().map_err(String::as_str), expected);
    }

    #[test]
    fn fields_are_told_in_units_of_the_divisor() {
        check("limits.cpu", "", Ok("2"));
        check("limits.cpu", "1m", Ok("1500"));
        check("limits.memory", "1Mi", Ok("2048"));
        check("requests.cpu", "1m", Ok("500"));
        check("requests.memory", "0", Ok("1000"));
        check("limits.cpu", "x", Err("x is not a quantity"));
    }
}
