//! Addresses of Services: each its own, given when the Service is made and kept while it is there.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use fairway_store::{ListQuery, Range};
use serde_json::{Value, json};

use super::Reserved;
use crate::object::{self, text_at};
use crate::server::Call;
use crate::{ApiError, kinds};

/// Sets the address of a new Service. Nobody else is given one until the result is dropped.
pub(super) async fn reserve<'a>(call: &'a Call, service: &mut Value) -> Result<Reserved<'a>, ApiError> {
    let asked = text_at(service, "/spec/clusterIP").to_owned();
    if text_at(service, "/spec/type") == "ExternalName" || asked == "None" {
        return Ok(None);
    }
    let name = text_at(service, "/metadata/name").to_owned();
    let one = call.shared.service_addresses.lock().await;
    let requested = asked.parse::<Ipv4Addr>().ok();
    if !asked.is_empty() && requested.is_none() {
        // Validation says what is wrong with it.
        return Ok(None);
    }
    let mut start = [0u8; 4];
    call.shared.world.entropy.fill(&mut start);
    let range = call.shared.service_range;
    let address = kinds::allocate_cluster_ip(range, &used(call), requested, u32::from_le_bytes(start))
        .map_err(|cause| ApiError::invalid("", "Service", &name, &[cause]))?;
    if let Some(Value::Object(spec)) = service.get_mut("spec") {
        spec.insert("clusterIP".to_owned(), json!(address.to_string()));
        spec.insert("clusterIPs".to_owned(), json!([address.to_string()]));
    }
    Ok(Some(one))
}

fn used(call: &Call) -> BTreeSet<Ipv4Addr> {
    let range = Range { resource: "core/services".into(), namespace: None };
    let items = call.shared.store.list(&ListQuery::all(range)).map(|it| it.items).unwrap_or_default();
    items.iter().filter_map(|it| text_at(&object::parse(&it.value), "/spec/clusterIP").parse().ok()).collect()
}
