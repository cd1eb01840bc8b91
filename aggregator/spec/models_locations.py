"""Where artifacts live: one struct per storage backend of Argo's artifact location."""

from typing import Any

from msgspec import Struct, field


class SecretKeySelector(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One key of a Secret (the ConfigMap twin has the same shape)."""

    name: str = ""
    key: str = ""
    optional: bool | None = None


class ConfigMapKeySelector(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One key of a ConfigMap."""

    name: str = ""
    key: str = ""
    optional: bool | None = None


class CreateS3BucketOptions(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    object_locking: bool = False


class S3EncryptionOptions(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    kms_key_id: str = ""
    kms_encryption_context: str = ""
    enable_encryption: bool = False
    server_side_customer_key_secret: SecretKeySelector | None = None


class S3Artifact(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    endpoint: str = ""
    bucket: str = ""
    region: str = ""
    insecure: bool | None = None
    access_key_secret: SecretKeySelector | None = None
    secret_key_secret: SecretKeySelector | None = None
    session_token_secret: SecretKeySelector | None = None
    role_arn: str = field(default="", name="roleARN")
    use_sdk_creds: bool = field(default=False, name="useSDKCreds")
    create_bucket_if_not_present: CreateS3BucketOptions | None = None
    encryption_options: S3EncryptionOptions | None = None
    ca_secret: SecretKeySelector | None = None
    addressing_style: str = ""
    key: str = ""


class GitArtifact(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    repo: str = ""
    revision: str = ""
    depth: int | None = None
    fetch: tuple[str, ...] = ()
    username_secret: SecretKeySelector | None = None
    password_secret: SecretKeySelector | None = None
    ssh_private_key_secret: SecretKeySelector | None = None
    insecure_ignore_host_key: bool = False
    insecure_skip_tls: bool = field(default=False, name="insecureSkipTLS")
    disable_submodules: bool = False
    single_branch: bool = False
    branch: str = ""


class Header(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A header of an HTTP artifact; those of the http template may also come from a secret."""

    name: str = ""
    value: str = ""


class ClientCertAuth(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    client_cert_secret: SecretKeySelector | None = None
    client_key_secret: SecretKeySelector | None = None


class BasicAuth(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    username_secret: SecretKeySelector | None = None
    password_secret: SecretKeySelector | None = None


class OAuth2EndpointParam(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    key: str = ""
    value: str = ""


class OAuth2Auth(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    client_id_secret: SecretKeySelector | None = field(default=None, name="clientIDSecret")
    client_secret_secret: SecretKeySelector | None = None
    token_url_secret: SecretKeySelector | None = field(default=None, name="tokenURLSecret")
    scopes: tuple[str, ...] = ()
    endpoint_params: tuple[OAuth2EndpointParam, ...] = ()


class HTTPAuth(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    client_cert: ClientCertAuth | None = None
    oauth2: OAuth2Auth | None = None
    basic_auth: BasicAuth | None = None


class HTTPArtifact(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    url: str = ""
    headers: tuple[Header, ...] = ()
    auth: HTTPAuth | None = None
    save_stream_via_file: bool = False


class RawArtifact(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    data: str = ""


class ArtifactoryArtifact(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    url: str = ""
    username_secret: SecretKeySelector | None = None
    password_secret: SecretKeySelector | None = None


class GCSArtifact(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    bucket: str = ""
    key: str = ""
    service_account_key_secret: SecretKeySelector | None = None


class OSSLifecycleRule(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    mark_infrequent_access_after_days: int | None = None
    mark_deletion_after_days: int | None = None


class OSSArtifact(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    endpoint: str = ""
    bucket: str = ""
    key: str = ""
    access_key_secret: SecretKeySelector | None = None
    secret_key_secret: SecretKeySelector | None = None
    create_bucket_if_not_present: bool = False
    security_token: str = ""
    lifecycle_rule: OSSLifecycleRule | None = None
    use_sdk_creds: bool = field(default=False, name="useSDKCreds")


class AzureArtifact(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    endpoint: str = ""
    container: str = ""
    blob: str = ""
    account_key_secret: SecretKeySelector | None = None
    use_sdk_creds: bool = field(default=False, name="useSDKCreds")


class HDFSArtifact(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    addresses: tuple[str, ...] = ()
    path: str = ""
    hdfs_user: str = ""
    force: bool = False
    data_transfer_protection: str = ""
    krb_c_cache_secret: SecretKeySelector | None = None
    krb_keytab_secret: SecretKeySelector | None = None
    krb_username: str = ""
    krb_realm: str = ""
    krb_config_config_map: ConfigMapKeySelector | None = None
    krb_service_principal_name: str = ""


class PluginArtifact(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    name: str = ""
    key: str = ""
    configuration: str = ""
    connection_timeout_seconds: int | None = None


class ArtifactLocation(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """At most one backend; the fields carry the YAML key of their driver."""

    archive_logs: bool | None = None
    s3: S3Artifact | None = None
    git: GitArtifact | None = None
    http: HTTPArtifact | None = None
    artifactory: ArtifactoryArtifact | None = None
    hdfs: HDFSArtifact | None = None
    raw: RawArtifact | None = None
    oss: OSSArtifact | None = None
    gcs: GCSArtifact | None = None
    azure: AzureArtifact | None = None
    plugin: PluginArtifact | None = None

    @property
    def backend(self) -> tuple[str, Any] | None:
        """The YAML key and struct of the backend that is given, first found in Argo's order."""
        for key in BACKENDS:
            if (found := getattr(self, key)) is not None:
                return key, found
        return None


# Argo looks them up in this order when several are given.
BACKENDS = ("artifactory", "azure", "git", "gcs", "hdfs", "http", "oss", "raw", "s3", "plugin")
