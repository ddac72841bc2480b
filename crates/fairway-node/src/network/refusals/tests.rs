use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::*;

fn pod(name: &str) -> Pod {
    let metadata = ObjectMeta { name: Some(name.into()), uid: Some(format!("uid-{name}")), ..ObjectMeta::default() };
    Pod { metadata, ..Pod::default() }
}

fn refusal(message: &str) -> Refusal {
    Refusal { reason: "Refused", message: message.to_owned() }
}

fn told(refusals: &Refusals, seconds: u64) -> Vec<(String, u32)> {
    let due = refusals.due(Duration::from_secs(seconds));
    due.into_iter().map(|it| (it.refusal.message, it.times)).collect()
}

#[test]
fn the_same_refusal_is_told_once_with_its_count() {
    let refusals = Refusals::default();
    for _ in 0..1000 {
        refusals.note(&pod("a"), refusal("to b"), Duration::ZERO);
    }
    refusals.note(&pod("a"), refusal("to c"), Duration::ZERO);
    assert_eq!(told(&refusals, 0), [("to b".to_owned(), 1000), ("to c".to_owned(), 1)]);
    assert_eq!(told(&refusals, 0), []);
    assert!(!refusals.has_some());
}

#[test]
fn a_pod_that_never_stops_costs_a_few_writes_a_minute_and_nothing_is_uncounted() {
    let refusals = Refusals::default();
    let mut writes_by_minute = [0; 5];
    let (mut noted, mut counted) = (0, 0);
    for second in 0..300 {
        for port in 0..100 {
            refusals.note(&pod("a"), refusal(&format!("to port {port}")), Duration::from_secs(second));
            noted += 1;
        }
        let due = told(&refusals, second);
        writes_by_minute[usize::try_from(second / 60).unwrap()] += due.len();
        counted += due.iter().map(|it| it.1).sum::<u32>();
    }
    assert_eq!(writes_by_minute, [5, 3, 3, 3, 3]);
    let left: u32 = refusals.lock().values().flat_map(|it| &it.waiting).map(|it| it.1).sum();
    assert_eq!(counted + left, noted);
    assert!(refusals.lock()["uid-a"].waiting.len() <= DIFFERENT);
}

#[test]
fn one_pods_noise_does_not_silence_another_and_quiet_pods_are_forgotten() {
    let refusals = Refusals::default();
    for port in 0..50 {
        refusals.note(&pod("loud"), refusal(&format!("to port {port}")), Duration::ZERO);
    }
    refusals.note(&pod("shy"), refusal("to b"), Duration::ZERO);
    let due = refusals.due(Duration::ZERO);
    assert_eq!(due.iter().filter(|it| it.pod.name_any() == "loud").count(), 3);
    assert_eq!(due.iter().filter(|it| it.pod.name_any() == "shy").count(), 1);
    for minute in 1..20 {
        refusals.due(Duration::from_secs(60 * minute));
    }
    assert!(refusals.lock().is_empty(), "the rest was told, and then there was nothing");
}

#[test]
fn pods_without_end_take_no_memory_without_end() {
    let refusals = Refusals::default();
    for at in 0..2 * PODS {
        refusals.note(&pod(&at.to_string()), refusal("to b"), Duration::ZERO);
    }
    assert_eq!(refusals.due(Duration::ZERO).len(), PODS);
}
