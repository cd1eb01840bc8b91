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
        hdfs         later        Read and checked.
        raw          implemented  The text itself; input only.
        oss          later        Read and checked.
        gcs          later        Read and checked.
        azure        later        Read and checked.
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
        bucket                   later  Read and checked.
        key                      later  Read and checked.
        serviceAccountKeySecret  later  Read and checked.
    """,
    models.OSSArtifact: """
        endpoint                  later  Read and checked.
        bucket                    later  Read and checked.
        key                       later  Read and checked.
        accessKeySecret           later  Read and checked.
        secretKeySecret           later  Read and checked.
        createBucketIfNotPresent  later  Read and checked.
        securityToken             later  Read and checked.
        lifecycleRule             later  Read and checked.
        useSDKCreds               later  Read and checked.
    """,
    models.OSSLifecycleRule: """
        markInfrequentAccessAfterDays  later  Read and checked.
        markDeletionAfterDays          later  Read and checked.
    """,
    models.AzureArtifact: """
        endpoint          later  Read and checked.
        container         later  Read and checked.
        blob              later  Read and checked.
        accountKeySecret  later  Read and checked.
        useSDKCreds       later  Read and checked.
    """,
    models.HDFSArtifact: """
        addresses                later  Read and checked.
        path                     later  Read and checked.
        hdfsUser                 later  Read and checked.
        force                    later  Read and checked.
        dataTransferProtection   later  Read and checked.
        krbCCacheSecret          later  Read and checked.
        krbKeytabSecret          later  Read and checked.
        krbUsername              later  Read and checked.
        krbRealm                 later  Read and checked.
        krbConfigConfigMap       later  Read and checked.
        krbServicePrincipalName  later  Read and checked.
    """,
    models.PluginArtifact: """
        name                      refused  See plugin of an artifact's location.
        key                       refused  See plugin of an artifact's location.
        configuration             refused  See plugin of an artifact's location.
        connectionTimeoutSeconds  refused  See plugin of an artifact's location.
    """,
}
