"""Ledger rows of parameters and artifacts: what each of their fields and storage backends means here."""

from aggregator.spec import models

ROWS = {
    models.SecretKeySelector: """
        name      emulated  A local secret: a file, an environment variable or a Secret document.
        key       emulated  The key in it.
        optional  emulated  A missing one is not an error.
    """,
    models.ConfigMapKeySelector: """
        name      emulated  A ConfigMap document.
        key       emulated  The key in it.
        optional  emulated  A missing one is not an error.
    """,
    models.Parameter: """
        name         implemented  Unique in its list.
        default      implemented  Used when no value is given.
        value        implemented  Text; numbers and booleans become text, a list or map is an error.
        valueFrom    implemented  Where the value comes from.
        globalName   implemented  Makes an output visible as workflow.outputs.parameters.NAME.
        enum         implemented  The values allowed for an argument.
        description  implemented  Shown by `agg run FILE --help`.
    """,
    models.ValueFrom: """
        path             implemented  A file of the leaf.
        jsonPath         implemented  Outputs of resource templates.
        jqFilter         implemented  Outputs of resource templates; needs the extra jq.
        event            later        Values of event bindings.
        parameter        implemented  An output of a step or task.
        supplied         implemented  Entered when a suspended node is resumed.
        configMapKeyRef  emulated     From a ConfigMap document with Argo's parameter label.
        default          implemented  Used when the source has nothing.
        expression       implemented  An expression over the steps or tasks.
    """,
    models.Arguments: """
        parameters  implemented  Values for inputs.
        artifacts   implemented  Artifacts for inputs.
    """,
    models.Inputs: """
        parameters  implemented  Filled from arguments, else from value or default.
        artifacts   implemented  Put at their path before the leaf starts.
    """,
    models.Outputs: """
        parameters  implemented  Read when the leaf has ended, or computed from children.
        artifacts   implemented  Stored when the leaf has ended, or passed on from children.
        result      implemented  What a leaf printed, or the body of an HTTP answer.
        exitCode    implemented  The exit code as text.
    """,
    models.ArtifactLocation: """
        archiveLogs  implemented  The output of main becomes the artifact main-logs, in the repository or the run's folder.
        s3           implemented  S3 and whatever speaks its protocol.
        git          implemented  A checkout, by the git command; input only.
        http         implemented  GET for inputs, PUT for outputs.
        artifactory  implemented  An http store with basic auth.
        hdfs         implemented  By the extra `hdfs`; untested against a real HDFS.
        raw          implemented  The text itself; input only.
        oss          implemented  By the extra `oss`; untested against Alibaba Cloud itself.
        gcs          implemented  By the extra `gcs`.
        azure        implemented  By the extra `azure`.
        plugin       refused      Artifact plugins are containers of a cluster; use s3, http or a local folder.
    """,
    models.Artifact: """
        name            implemented  Unique in its list.
        path            implemented  Where the leaf finds or leaves it.
        mode            implemented  Permissions of an input.
        from            implemented  An artifact of a step, task or input.
        globalName      implemented  Makes an output visible as workflow.outputs.artifacts.NAME.
        archive         implemented  How an output is packed.
        optional        implemented  A missing one is not an error.
        subPath         implemented  A part of the source.
        recurseMode     implemented  Applies mode to a whole folder.
        fromExpression  implemented  Chooses the source by an expression.
        artifactGC      implemented  Removed with the end or the deletion of the run.
        deleted         ignored      Set in the status of what artifactGC has removed.
    """,
    models.ArchiveStrategy: """
        tar   implemented  A gzipped tar file; the default.
        none  implemented  As it is.
        zip   implemented  A zip file.
    """,
    models.TarStrategy: """
        compressionLevel  implemented  Of gzip, 0 to 9.
    """,
    models.NoneStrategy: "",
    models.ZipStrategy: "",
    models.SuppliedValueFrom: "",
    models.S3Artifact: """
        endpoint                  implemented  s3.amazonaws.com means AWS itself; any other wins over the environment.
        bucket                    implemented  The bucket.
        region                    implemented  The region.
        insecure                  implemented  http instead of https for endpoints other than AWS.
        accessKeySecret           emulated     From local secrets; absent means AWS's default chain.
        secretKeySecret           emulated     From local secrets.
        sessionTokenSecret        emulated     From local secrets.
        roleARN                   implemented  Assumes that role.
        useSDKCreds               implemented  AWS's default chain.
        createBucketIfNotPresent  implemented  Creates it before the first write.
        encryptionOptions         implemented  Server-side encryption.
        caSecret                  emulated     From local secrets.
        addressingStyle           implemented  path, virtual or auto.
        key                       implemented  The object, or the prefix of a folder.
    """,
    models.CreateS3BucketOptions: """
        objectLocking  implemented  Asked for when the bucket is created.
    """,
    models.S3EncryptionOptions: """
        kmsKeyId                     implemented  Server-side encryption with that key.
        kmsEncryptionContext         implemented  Passed with the key.
        enableEncryption             implemented  Server-side encryption.
        serverSideCustomerKeySecret  emulated     The key from local secrets.
    """,
    models.GitArtifact: """
        repo                   implemented  What is cloned.
        revision               implemented  What is checked out.
        depth                  implemented  A shallow clone.
        fetch                  implemented  More refspecs to fetch.
        usernameSecret         emulated     From local secrets.
        passwordSecret         emulated     From local secrets.
        sshPrivateKeySecret    emulated     From local secrets.
        insecureIgnoreHostKey  implemented  Takes any host key.
        insecureSkipTLS        implemented  Takes any certificate.
        disableSubmodules      implemented  Leaves submodules out.
        singleBranch           implemented  Clones only `branch`.
        branch                 implemented  What is cloned with singleBranch.
    """,
    models.HTTPArtifact: """
        url                implemented  What is read or written.
        headers            implemented  Sent along.
        auth               implemented  How it is authorised.
        saveStreamViaFile  implemented  Uploads are always files with a known length here.
    """,
    models.Header: """
        name   implemented  Of the header.
        value  implemented  Of the header.
    """,
    models.HTTPAuth: """
        clientCert  emulated  A client certificate from local secrets.
        oauth2      emulated  Client credentials from local secrets.
        basicAuth   emulated  User and password from local secrets.
    """,
    models.ClientCertAuth: """
        clientCertSecret  emulated  From local secrets.
        clientKeySecret   emulated  From local secrets.
    """,
    models.BasicAuth: """
        usernameSecret  emulated  From local secrets.
        passwordSecret  emulated  From local secrets.
    """,
    models.OAuth2Auth: """
        clientIDSecret      emulated     From local secrets.
        clientSecretSecret  emulated     From local secrets.
        tokenURLSecret      emulated     From local secrets.
        scopes              implemented  Asked for with the token.
        endpointParams      implemented  Sent to the token's URL.
    """,
    models.OAuth2EndpointParam: """
        key    implemented  Name of a parameter.
        value  implemented  Its value.
    """,
    models.RawArtifact: """
        data  implemented  The content.
    """,
    models.ArtifactoryArtifact: """
        url             implemented  As in Argo.
        usernameSecret  implemented  As in Argo.
        passwordSecret  implemented  As in Argo.
    """,
    models.GCSArtifact: """
        bucket                   implemented  The bucket; it has to exist.
        key                      implemented  The object, or the prefix of a folder.
        serviceAccountKeySecret  emulated     From local secrets; absent means Google's default credentials.
    """,
    models.OSSArtifact: """
        endpoint                  implemented  Untested against Alibaba Cloud itself, as are all fields of oss.
        bucket                    implemented  The bucket.
        key                       implemented  The object, or the prefix of a folder.
        accessKeySecret           emulated     From local secrets.
        secretKeySecret           emulated     From local secrets.
        createBucketIfNotPresent  implemented  Creates it before the first write.
        securityToken             implemented  Sent with the keys.
        lifecycleRule             implemented  Set on the bucket before a write.
        useSDKCreds               implemented  Keys of the environment: OSS_ACCESS_KEY_ID and its like.
    """,
    models.OSSLifecycleRule: """
        markInfrequentAccessAfterDays  implemented  Moves objects to infrequent access.
        markDeletionAfterDays          implemented  Removes objects.
    """,
    models.AzureArtifact: """
        endpoint          implemented  https://ACCOUNT.blob.core.windows.net, or a URL whose path is the account.
        container         implemented  The container; it has to exist.
        blob              implemented  The blob, or the prefix of a folder.
        accountKeySecret  emulated     A key or SAS token from local secrets; absent means Azure's default credentials.
        useSDKCreds       implemented  Azure's default credentials.
    """,
    models.HDFSArtifact: """
        addresses                implemented  Name nodes; several are one highly available service. Untested, as is all of hdfs.
        path                     implemented  The file or folder.
        hdfsUser                 implemented  As whom files are read and written without Kerberos.
        force                    implemented  Overwrites; without it, a file that is there is an error.
        dataTransferProtection   implemented  Passed to the client.
        krbCCacheSecret          emulated     From local secrets.
        krbKeytabSecret          emulated     From local secrets.
        krbUsername              implemented  The principal's name.
        krbRealm                 implemented  The principal's realm.
        krbConfigConfigMap       refused      Name the file by KRB5_CONFIG in the environment.
        krbServicePrincipalName  implemented  The name node's principal.
    """,
    models.PluginArtifact: """
        name                      refused  See plugin of an artifact's location.
        key                       refused  See plugin of an artifact's location.
        configuration             refused  See plugin of an artifact's location.
        connectionTimeoutSeconds  refused  See plugin of an artifact's location.
    """,
}
