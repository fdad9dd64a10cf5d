//! The servers of sinks: their address, the token for them, and who may vouch for them.

use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokenfleet::config::{Settings, cause_text};
use tokenfleet::transport::{BaseUrl, ReqwestTransportBuilder, Transport};
use tokenfleet::{Credential, Error, Result};
use tokio::sync::OnceCell;

use crate::regular_file;

/// The variables from which the short form of a place reads the token of Vault or OpenBao.
pub(super) const VAULT_TOKENS: [&str; 2] = ["BAO_TOKEN", "VAULT_TOKEN"];

/// The maximum size of a file of certificates, in bytes.
const MAX_FILE_SIZE: u64 = 16 << 20;

/// The directory in which a pod finds its token and the certificate of its cluster.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// A server that sinks are on.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) address: BaseUrl,
    pub(super) token: Credential,
    pub(super) namespace: Option<String>,
    authorities: Authorities,
    /// The transport of this server alone, once there is one.
    transport: OnceCell<Arc<dyn Transport>>,
}

/// The authorities that may vouch for a server besides those that may for every other.
#[derive(Debug, Default)]
struct Authorities {
    files: Vec<PathBuf>,
    are_exclusive: bool,
    /// The key of the configuration, for errors.
    place: String,
}

impl Server {
    fn new(address: BaseUrl, token: Credential) -> Self {
        Self {
            address,
            token,
            namespace: None,
            authorities: Authorities::default(),
            transport: OnceCell::new(),
        }
    }

    /// Reads the server of a sink in Vault or OpenBao.
    pub(super) fn for_kv2(settings: &mut Settings) -> Result<Self> {
        let address = settings.required_text("address")?;
        let address = parse_address(settings, &address)?;
        let mut server = Self::new(address, settings.required_credential("token")?);
        server.namespace = settings.text("namespace")?.filter(|name| !name.is_empty());
        server.authorities = Authorities::read(settings)?;
        Ok(server)
    }

    /// Reads the server of a sink in Kubernetes. Returns `None` for the cluster that the program
    /// runs in.
    pub(super) fn for_kubernetes(settings: &mut Settings) -> Result<Option<Self>> {
        let address = settings.text("address")?;
        let address = address.map(|text| parse_address(settings, &text));
        let address = address.transpose()?;
        let authorities = Authorities::read(settings)?;
        let token = settings.credential("token")?;
        match (address, token) {
            (Some(address), Some(token)) => {
                let mut server = Self::new(address, token);
                server.authorities = authorities;
                Ok(Some(server))
            }
            (Some(_), None) => Err(settings.missing_credential("token")),
            (None, None) if authorities.files.is_empty() => Ok(None),
            (None, _) => Err(settings.error("has no `address`").with_advice(
                "set it, or leave out `token` and `authorities` as well in a cluster",
            )),
        }
    }

    /// Returns the API server of the cluster that the program runs in.
    pub(super) fn of_cluster(variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let address = (
            variable("KUBERNETES_SERVICE_HOST"),
            variable("KUBERNETES_SERVICE_PORT"),
        );
        let (Some(host), Some(port)) = address else {
            let message = "the program does not run in a cluster of Kubernetes";
            return Err(Error::configuration(message)
                .with_advice("set `address` and `token` in a table [sinks.NAME]"));
        };
        let host = if host.contains(':') {
            format!("[{host}]")
        } else {
            host
        };
        let address = BaseUrl::parse(&format!("https://{host}:{port}"));
        let address =
            address.map_err(|error| error.with_message_prefix("KUBERNETES_SERVICE_HOST"))?;
        let directory = Path::new(SERVICE_ACCOUNT);
        let mut server = Self::new(address, Credential::from_file(directory.join("token")));
        server.authorities = Authorities {
            files: vec![directory.join("ca.crt")],
            are_exclusive: true,
            place: "the certificate of the cluster".to_owned(),
        };
        Ok(server)
    }

    /// Returns the server of Vault or OpenBao that the environment names, as their own programs
    /// read it, or `None` if it names none.
    pub(super) fn of_vault(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Self>> {
        let find = |name: &str| {
            let named = ["BAO", "VAULT"].map(|prefix| format!("{prefix}_{name}"));
            named.into_iter().find(|name| variable(name).is_some())
        };
        let Some(address) = find("ADDR") else {
            return Ok(None);
        };
        let text = variable(&address).unwrap_or_default();
        let parsed = BaseUrl::parse(&text).map_err(|error| error.with_message_prefix(&address))?;
        if let Some(namespace) = find("NAMESPACE") {
            let message =
                format!("{namespace} is set, which the short form of a place cannot name");
            return Err(Error::configuration(message)
                .with_advice("write a table [sinks.NAME] with kind = \"kv2\" and `namespace`"));
        }
        let token = find("TOKEN").ok_or_else(|| {
            Error::configuration(format!("{address} is set, and no token for it"))
                .with_advice("set BAO_TOKEN or VAULT_TOKEN, or write a table [sinks.NAME]")
        })?;
        Ok(Some(Self::new(parsed, Credential::from_env(token))))
    }

    /// Returns the transport to this server: the one of all accounts, unless other authorities may
    /// vouch for it.
    pub(super) async fn transport(
        &self,
        network: &Settings,
        shared: &Arc<dyn Transport>,
    ) -> Result<Arc<dyn Transport>> {
        if self.authorities.files.is_empty() {
            return Ok(Arc::clone(shared));
        }
        let build = async || {
            let mut builder = ReqwestTransportBuilder::from_settings(&mut network.clone()).await?;
            for path in &self.authorities.files {
                builder = builder.with_authorities(self.authorities.read_file(path)?);
            }
            if self.authorities.are_exclusive {
                builder = builder.with_exclusive_authorities();
            }
            let built = builder.build();
            let built =
                built.map_err(|error| error.with_message_prefix(&self.authorities.place))?;
            Ok(Arc::new(built) as Arc<dyn Transport>)
        };
        self.transport.get_or_try_init(build).await.cloned()
    }
}

impl Authorities {
    fn read(settings: &mut Settings) -> Result<Self> {
        let files = settings.texts("authorities")?;
        let are_exclusive = settings.boolean("exclusive_authorities")?;
        let are_exclusive = are_exclusive.unwrap_or_default();
        if are_exclusive && files.is_empty() {
            return Err(settings
                .error("has `exclusive_authorities`, but no `authorities`")
                .with_advice("name their PEM files in `authorities`"));
        }
        Ok(Self {
            files: files.iter().map(|file| settings.file_path(file)).collect(),
            are_exclusive,
            place: settings.place("authorities"),
        })
    }

    fn read_file(&self, path: &Path) -> Result<Vec<u8>> {
        let read = || {
            let file = regular_file::open(path)?;
            let mut content = Vec::new();
            file.take(MAX_FILE_SIZE + 1).read_to_end(&mut content)?;
            if content.len() as u64 > MAX_FILE_SIZE {
                let message = format!("it is larger than {} MiB", MAX_FILE_SIZE >> 20);
                return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
            }
            Ok(content)
        };
        read().map_err(|error| {
            let (place, path, cause) = (&self.place, path.display(), cause_text(&error));
            let message = format!("{place}: {path} cannot be read: {cause}");
            Error::configuration(message).with_advice("name PEM files that exist")
        })
    }
}

fn parse_address(settings: &Settings, text: &str) -> Result<BaseUrl> {
    BaseUrl::parse(text).map_err(|error| error.with_message_prefix(&settings.place("address")))
}

/// Writes the address, and the namespace on the server.
impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.address)?;
        match &self.namespace {
            Some(namespace) => write!(f, "/{}", namespace.trim_matches('/')),
            None => Ok(()),
        }
    }
}
