//! Where certificates come from and how each may be adjusted.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core_schema::Int;
use crate::{Duration, LocalObjectReference, ObjectReference};

/// Where the CA comes from that signs everything else. With neither field the operator makes one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Certificates {
    /// A cert-manager Issuer or ClusterIssuer from which the CA is requested; cert-manager then issues
    /// all certificates. Not together with `caSecretRef`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer_ref: Option<ObjectReference>,
    /// A Secret with the certificate and key of an existing CA. Not together with `issuerRef`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_secret_ref: Option<LocalObjectReference>,
}

/// Adjusts one certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CertificateTemplate {
    /// Metadata of the Certificate object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<CertificateMetadataTemplate>,
    /// Properties of the certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec: Option<CertificateSpecTemplate>,
}

/// Metadata added to a Certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CertificateMetadataTemplate {
    /// Annotations to add; those of the operator win.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Labels to add; those of the operator win.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// Properties of a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CertificateSpecTemplate {
    /// More attributes of the subject; lists are joined with the operator's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<X509Subject>,
    /// Another issuer for this certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer_ref: Option<ObjectReference>,
    /// More DNS names. Together with `issuerRef` they replace the operator's names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dns_names: Vec<String>,
    /// IP addresses that the certificate is valid for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ip_addresses: Vec<String>,
    /// Metadata of the Secret with the certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_template: Option<CertificateSecretTemplate>,
    /// How long the certificate is valid: ten years for a CA, one for others when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Duration>,
    /// How long before its end it is renewed: 30 days for a CA, seven for others when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renew_before: Option<Duration>,
    /// Kind and treatment of the private key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_key: Option<CertificatePrivateKeyTemplate>,
}

/// Kind and treatment of a private key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CertificatePrivateKeyTemplate {
    /// Whether a renewed certificate keeps its key (`Never`) or gets a new one (`Always`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["Never", "Always"]))]
    pub rotation_policy: Option<String>,
    /// How the key is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["PKCS1", "PKCS8"]))]
    pub encoding: Option<String>,
    /// Algorithm of the key; the operator's own certificates use ECDSA when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["RSA", "ECDSA", "Ed25519"]))]
    pub algorithm: Option<String>,
    /// Bits of the key: 2048, 4096 or 8192 for RSA; 256, 384 or 521 for ECDSA.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Int>")]
    pub size: Option<i64>,
}

/// Metadata of a Secret with a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CertificateSecretTemplate {
    /// Annotations to add; those of the operator win.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Labels to add; those of the operator win.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// The subject of an X.509 certificate, without the common name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct X509Subject {
    /// `O`; Kubernetes reads them as groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub organizations: Vec<String>,
    /// `C`
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub countries: Vec<String>,
    /// `OU`
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub organizational_units: Vec<String>,
    /// `L`
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub localities: Vec<String>,
    /// `ST`
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub provinces: Vec<String>,
    /// `STREET`
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub street_addresses: Vec<String>,
    /// `PostalCode`
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub postal_codes: Vec<String>,
    /// `SERIALNUMBER`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial_number: Option<String>,
}
