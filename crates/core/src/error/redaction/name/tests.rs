use proptest::prelude::*;

use crate::error::redaction::{MASK, mask_name};

/// Names of tokens as people choose them: by purpose, host, environment, version, date and ticket.
const ORDINARY: [&str; 100] = [
    "deploy-key-2024-b",
    "ci-20240131-deploy",
    "github-actions-2024-01-31",
    "jenkins_build_agent_07",
    "k8s-prod-cluster-eu1",
    "s3-backup-2024q3",
    "i18n-sync-worker-2",
    "ec2-autoscaler-prod1",
    "x86_64-linux-builder",
    "arm64-v8a-nightly",
    "node1a.dc2.example.com",
    "web-01.prod.eu-west-1.example.com",
    "ip-10-0-12-34.eu-central-1",
    "db1.internal.example.org",
    "grafana-10.4.2-reader",
    "v2.13.0-rc1-release",
    "release-2024.01.31-hotfix1",
    "terraform-aws-eu-west-1",
    "staging-2-readonly",
    "INC-20240131-rotation",
    "JIRA-12345-migration",
    "CHG0031234-maintenance",
    "alice.laptop-2023",
    "bob_workstation_win11",
    "2024-01-31T12-00-00-backup",
    "20240131120000-snapshot",
    "backup-1706702400",
    "nightly-job-00017",
    "team-a/ci-2024-01",
    "acme/payments/prod-2",
    "PendingAdministratorApproval",
    "GithubDeployTokenProduction",
    "MyDeployKey2024",
    "buildServerToken01",
    "CiCdPipelineKey3",
    "PROD-EU-READ-2024",
    "PROD_DB_BACKUP_01",
    "monitoring2-prometheus",
    "prometheus-scraper-9090",
    "service-account-1234567",
    "customer-42-integration",
    "customer_000042_sync",
    "mindbody-studio-99",
    "losant-edge-gateway-v3",
    "gateway-00-1b-44-rack4",
    "raspberry-pi4-kitchen",
    "esp32-sensor-floor3",
    "esp8266-basement-2",
    "iot-hub-2.1-beta4",
    "foreman-proxy-el8",
    "foreman-el9-katello-4.12",
    "rhel8.9-base-image",
    "ubuntu-22.04-packer",
    "ubuntu2204-runner-03",
    "debian12-apt-mirror",
    "python3.12-ci-cache",
    "py311-wheels-upload",
    "node20-npm-publish",
    "npm-publish-2024",
    "pypi-upload-v1.2.3",
    "docker-push-2024-07",
    "helm3-chart-releaser",
    "argo-cd-prod-2",
    "gitlab-runner-0001",
    "circleci-2.0-context",
    "travis-legacy-2019",
    "azure-devops-2024-q1",
    "gcp-project-123456",
    "bigquery-export-v2",
    "sha256-signing-job",
    "rsa4096-rotation-job",
    "oauth2-proxy-dev1",
    "saml2-bridge-2023",
    "ldap3-sync-hourly",
    "mysql8-replica-2",
    "postgres16-backup",
    "redis7-exporter",
    "kafka3-mirror-maker",
    "http2-load-test-01",
    "ipv6-dns-updater-1",
    "tls13-probe-agent",
    "2fa-reset-helper",
    "3rd-party-audit-2024",
    "24x7-support-desk",
    "q4-2024-pentest",
    "jan2024-contractor",
    "contractor-2024-12-31",
    "temp-until-2024-06-30",
    "delete-after-20240630",
    "test1-test2-test3",
    "e2e-tests-chrome120",
    "qa-env-17-selenium4",
    "uat2-smoke-tests",
    "perf-test-10k-users",
    "lab-b12-printer-2",
    "warehouse-7-scanner-12",
    "pos-terminal-0042",
    "kiosk-berlin-02",
    "studio-99-webhook",
    "zapier-hook-2024",
];

#[test]
fn ordinary_names_are_not_masked() {
    let masked = ORDINARY.into_iter().filter(|name| mask_name(name) != *name);
    assert_eq!(masked.collect::<Vec<_>>(), Vec::<&str>::new());
    // Ids are no secrets.
    for id in [
        "123e4567-e89b-12d3-a456-426614174000",
        "575ec8687ae143cd83dc4a97",
        "ci tf-0123456789abcdef",
    ] {
        assert_eq!(mask_name(id), id);
    }
}

fn is_in_both_cases(text: &str) -> bool {
    let has = |test: fn(&u8) -> bool| text.as_bytes().iter().any(test);
    has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase)
}

/// The shapes of the secrets of the platforms, and of others that people confuse with a name.
fn secrets() -> impl Strategy<Value = String> {
    prop_oneof![
        // Losant, and whoever issues JSON Web Tokens.
        "eyJ[A-Za-z0-9]{17}\\.eyJ[A-Za-z0-9_-]{60}\\.[A-Za-z0-9_-]{43}",
        // Foreman: 16 bytes in base64url. One in a million is in one case, and may be a name. The
        // hash that it stores is a secret, too.
        "[A-Za-z0-9_-]{21}[AQgw]".prop_filter("one case", |text| is_in_both_cases(text)),
        "\\$2a\\$0[4-9]\\$[0-9a-f]{21}u[A-Za-z0-9./]{31}",
        // Cloudsmith.
        "[0-9a-f]{40}",
        "ck_[A-Za-z0-9]{32}",
        // Mindbody.
        "[0-9a-f]{32}",
        "[A-Za-z0-9]{32}",
        "[0-9a-f]{64}",
        // Others.
        "AKIA[A-Z]{6}[2-7][A-Z2-7]{8}[A-Z]",
        "gh[pousr]_[A-Za-z0-9]{36}",
        "xox[bp]-[0-9]{12}-[0-9]{12}-[A-Za-z0-9]{24}",
        "[A-Za-z0-9+]{43}=",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_shape_of_a_secret_is_masked_in_a_name(secret in secrets()) {
        for name in [
            secret.clone(),
            format!("{secret} "),
            format!("key {secret}, of alice"),
            format!("ci:{secret}"),
            format!("ci/{secret}"),
        ] {
            let masked = mask_name(&name);
            prop_assert!(masked.contains(MASK), "{masked}");
            prop_assert!(!masked.contains(&secret), "{masked}");
        }
    }
}
