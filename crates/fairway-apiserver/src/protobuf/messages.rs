//! The messages that are read, with the numbers their fields have in the public definitions of Kubernetes. A time, and
//! who owns which field, is the server's to say; these fields are not read.

/// One field of a message.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) number: u64,
    pub(super) name: &'static str,
    pub(super) form: Form,
}

/// What a field holds.
#[derive(Debug)]
pub(super) enum Form {
    Text,
    Number,
    Switch,
    Texts,
    TextMap,
    /// Values are bytes.
    ByteMap,
    Message(&'static [Field]),
    Messages(&'static [Field]),
}

const fn field(number: u64, name: &'static str, form: Form) -> Field {
    Field { number, name, form }
}

/// The envelope of every body.
pub(super) const UNKNOWN: &[Field] =
    &[field(1, "typeMeta", Form::Message(&[field(1, "apiVersion", Form::Text), field(2, "kind", Form::Text)]))];

const OWNER: &[Field] = &[
    field(1, "kind", Form::Text),
    field(3, "name", Form::Text),
    field(4, "uid", Form::Text),
    field(5, "apiVersion", Form::Text),
    field(6, "controller", Form::Switch),
    field(7, "blockOwnerDeletion", Form::Switch),
];

const META: &[Field] = &[
    field(1, "name", Form::Text),
    field(2, "generateName", Form::Text),
    field(3, "namespace", Form::Text),
    field(5, "uid", Form::Text),
    field(6, "resourceVersion", Form::Text),
    field(11, "labels", Form::TextMap),
    field(12, "annotations", Form::TextMap),
    field(13, "ownerReferences", Form::Messages(OWNER)),
    field(14, "finalizers", Form::Texts),
];

const METADATA: Field = field(1, "metadata", Form::Message(META));

const NAMESPACE: &[Field] = &[METADATA, field(2, "spec", Form::Message(&[field(1, "finalizers", Form::Texts)]))];

const CONFIG_MAP: &[Field] = &[
    METADATA,
    field(2, "data", Form::TextMap),
    field(3, "binaryData", Form::ByteMap),
    field(4, "immutable", Form::Switch),
];

const SECRET: &[Field] = &[
    METADATA,
    field(2, "data", Form::ByteMap),
    field(3, "type", Form::Text),
    field(4, "stringData", Form::TextMap),
    field(5, "immutable", Form::Switch),
];

const SERVICE_ACCOUNT: &[Field] = &[METADATA, field(4, "automountServiceAccountToken", Form::Switch)];

const RESOURCE_ATTRIBUTES: &[Field] = &[
    field(1, "namespace", Form::Text),
    field(2, "verb", Form::Text),
    field(3, "group", Form::Text),
    field(4, "version", Form::Text),
    field(5, "resource", Form::Text),
    field(6, "subresource", Form::Text),
    field(7, "name", Form::Text),
];

const SELF_ACCESS: &[Field] = &[
    METADATA,
    field(
        2,
        "spec",
        Form::Message(&[
            field(1, "resourceAttributes", Form::Message(RESOURCE_ATTRIBUTES)),
            field(
                2,
                "nonResourceAttributes",
                Form::Message(&[field(1, "path", Form::Text), field(2, "verb", Form::Text)]),
            ),
        ]),
    ),
];

const SELF_RULES: &[Field] = &[METADATA, field(2, "spec", Form::Message(&[field(1, "namespace", Form::Text)]))];

const SELF: &[Field] = &[METADATA];

const TOKEN: &[Field] = &[
    METADATA,
    field(
        2,
        "spec",
        Form::Message(&[
            field(1, "audiences", Form::Texts),
            field(
                3,
                "boundObjectRef",
                Form::Message(&[
                    field(1, "kind", Form::Text),
                    field(2, "apiVersion", Form::Text),
                    field(3, "name", Form::Text),
                    field(4, "uid", Form::Text),
                ]),
            ),
            field(4, "expirationSeconds", Form::Number),
        ]),
    ),
];

const DELETE_OPTIONS: &[Field] = &[
    field(1, "gracePeriodSeconds", Form::Number),
    field(2, "preconditions", Form::Message(&[field(1, "uid", Form::Text), field(2, "resourceVersion", Form::Text)])),
    field(3, "orphanDependents", Form::Switch),
    field(4, "propagationPolicy", Form::Text),
    field(5, "dryRun", Form::Texts),
];

/// The fields of a kind, if it is read.
pub(super) fn message(kind: &str) -> Option<&'static [Field]> {
    Some(match kind {
        "ConfigMap" => CONFIG_MAP,
        "DeleteOptions" => DELETE_OPTIONS,
        "Namespace" => NAMESPACE,
        "Secret" => SECRET,
        "SelfSubjectAccessReview" => SELF_ACCESS,
        "SelfSubjectReview" => SELF,
        "SelfSubjectRulesReview" => SELF_RULES,
        "ServiceAccount" => SERVICE_ACCOUNT,
        "TokenRequest" => TOKEN,
        _ => return None,
    })
}
