use super::*;

#[test]
fn only_whole_paths_are_served() {
    assert!(serves("/hub/v1/projects/shop/runs/orders-1/steps/test/log"));
    for other in [
        "/hub/v1/projects/shop/runs/orders-1/steps/test",
        "/hub/v1/projects/shop/runs/a/b/steps/test/log",
        "/hub/v1/ledger",
    ] {
        assert!(!serves(other), "{other}");
    }
}

#[tokio::test]
async fn whoever_follows_hears_all_of_a_log_and_then_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let logs = RunLogs::new(folder.path().to_owned());
    let (whole, part) = (logs.path("shop", "r", "s").unwrap(), logs.part("shop", "r", "s").unwrap());
    let mut log = Log { whole, part, file: None, looks: 0, follow: true };
    let mut writer = logs.begin("shop", "r", "s", 100).await.unwrap();
    writer.append(b"one").await.unwrap();
    assert_eq!(log.next().await.unwrap().as_deref(), Some(&b"one"[..]));
    writer.append(b"two").await.unwrap();
    writer.finish().await.unwrap();
    assert_eq!(log.next().await.unwrap().as_deref(), Some(&b"two"[..]));
    assert_eq!(log.next().await.unwrap(), None);
    let mut late = Log { file: None, looks: 0, ..log };
    assert_eq!(late.next().await.unwrap().as_deref(), Some(&b"onetwo"[..]));
    assert_eq!(late.next().await.unwrap(), None);
}
