use super::{Body, Write, Written, fields, prepare};
use crate::{ApiServer, Error};
use kcp_admission::Operation;
use kcp_apimachinery::Value;
use kcp_registry::Deed;

/// How often a generated name that is taken is drawn again.
const DRAWS: usize = 8;

impl ApiServer {
    /// `POST`
    pub(crate) async fn create(&self, write: &Write<'_>, body: Body) -> Result<Written, Error> {
        let (object, twice) = match body {
            Body::Object(object, twice) => (object, twice),
            Body::Empty | Body::Patch(..) => {
                return Err(Error::BadRequest("the body of the request must be an object".to_owned()));
            }
        };
        self.create_object(write, object, &twice).await
    }

    /// Creates an object that was decoded already.
    pub(crate) async fn create_object(
        &self,
        write: &Write<'_>,
        mut object: Value,
        twice: &[String],
    ) -> Result<Written, Error> {
        if write.resource.is_terminating() {
            let why = "create not allowed while custom resource definition is terminating";
            return Err(Error::MethodNotAllowed(why.to_owned()));
        }
        write.check_kind(&mut object)?;
        write.prune(&mut object, twice)?;
        let named =
            object.str_at(&["metadata", "name"]).is_some_and(|name| !name.is_empty()) || write.name.is_some();
        let mut draws = if named { 1 } else { DRAWS };
        loop {
            draws -= 1;
            match self.try_create(write, object.clone()).await {
                Err(Error::Registry(kcp_registry::Error::AlreadyExists { .. })) if draws > 0 => {}
                other => return other,
            }
        }
    }

    async fn try_create(&self, write: &Write<'_>, mut object: Value) -> Result<Written, Error> {
        let name = write.born(&mut object)?;
        super::update::reset_for_create(write, &mut object);
        write.default(&mut object);
        let key = write.key(&name)?;
        // What admission fills in is owned by nobody, so that nobody takes it away again by not naming it.
        if !write.applied {
            fields::track(write, None, &mut object);
        }
        self.mutate(write, Operation::Create, None, &name, &mut object).await?;
        write.version.schema.prune(&mut object);
        write.default(&mut object);
        Write::tidy(&mut object);
        let errors = write.check(None, &object);
        if !errors.is_empty() {
            return Err(write.invalid(&name, errors));
        }
        self.validate(write, Operation::Create, None, &name, Some(&object)).await?;
        self.warn_of(write, None, &object);
        let namespace = match &key.namespace {
            None => None,
            Some(namespace) => Some(self.registry.require_namespace(&key).await?.ok_or_else(|| {
                kcp_registry::Error::NotFound {
                    resource: "namespaces".to_owned(),
                    name: namespace.to_string(),
                }
            })?),
        };
        let mut stored = object;
        prepare::convert(&write.resource, &write.version, &write.resource.storage, &mut stored)?;
        if write.options.dry_run {
            if self.registry.record(&key).await?.is_some() {
                let resource = write.resource.qualified();
                return Err(kcp_registry::Error::AlreadyExists { resource, name }.into());
            }
            return Ok(Written { object: stored, created: true });
        }
        let value = self.seal(write, &mut stored);
        let commit = self.registry.commit(&write.resource, &key, Deed::Create(value), namespace).await;
        let commit = match commit {
            Err(kcp_registry::Error::NamespaceClosed(namespace)) => {
                return Err(write.namespace_terminating(&name, &namespace));
            }
            other => other?,
        };
        if let Some(record) = &commit.record {
            kcp_registry::codec::project(&key, record, &mut stored);
        }
        Ok(Written { object: stored, created: true })
    }
}
