use super::*;

#[tokio::test]
async fn a_log_has_its_name_once_it_is_whole_and_says_what_was_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let logs = RunLogs::new(folder.path().join("runs"));
    let mut log = logs.begin("shop", "orders-1", "test", 10).await.unwrap();
    log.append(b"12345").await.unwrap();
    assert!(!logs.is_whole("shop", "orders-1", "test"));
    assert_eq!(fs::read(logs.part("shop", "orders-1", "test").unwrap()).unwrap(), b"12345");
    log.append(b"6789012345").await.unwrap();
    log.append(b"more").await.unwrap();
    log.finish().await.unwrap();
    assert!(logs.is_whole("shop", "orders-1", "test"));
    let text = logs.tail("shop", "orders-1", "test", 1000).unwrap();
    assert!(text.starts_with("1234567890\n[the log is larger than 10 bytes"), "{text}");
    assert_eq!(logs.tail("shop", "orders-1", "test", 2).unwrap(), "]\n");
    assert_eq!(logs.tail("shop", "orders-1", "other", 2).unwrap(), "");
}

#[tokio::test]
async fn a_log_that_is_begun_again_has_no_rests_and_a_removed_run_has_no_logs() {
    let folder = tempfile::tempdir().unwrap();
    let logs = RunLogs::new(folder.path().to_owned());
    logs.begin("shop", "orders-1", "test", 100).await.unwrap().append(b"before the crash").await.unwrap();
    let mut log = logs.begin("shop", "orders-1", "test", 100).await.unwrap();
    log.append(b"after").await.unwrap();
    log.finish().await.unwrap();
    assert_eq!(logs.tail("shop", "orders-1", "test", 100).unwrap(), "after");
    logs.remove("shop", "orders-1").unwrap();
    logs.remove("shop", "orders-1").unwrap();
    assert!(!folder.path().join("shop/orders-1").exists());
}

#[test]
fn a_name_that_leads_elsewhere_is_none() {
    let logs = RunLogs::new(PathBuf::from("/runs"));
    for odd in ["..", ".", "", "a/b", "A", "a.b", "ä"] {
        assert_eq!(logs.path("shop", "run", odd), None, "{odd}");
        assert_eq!(logs.path(odd, "run", "test"), None, "{odd}");
        assert!(logs.remove("shop", odd).is_ok(), "{odd}: there is nothing to remove");
    }
}
