"""Ledger rows of templates: what each field of a template, its body and its calls means here."""

from aggregator.spec import models

ROWS = {
    models.Template: """
        name                          implemented  Unique in its workflow.
        inputs                        implemented  Parameters and artifacts that it takes.
        outputs                       implemented  Parameters and artifacts that it gives.
        nodeSelector                  ignored      One machine: nothing to select.
        affinity                      ignored      One machine: nothing to select.
        metadata                      ignored      Labels and annotations of pods, but agg.dev/runtime.
        annotations                   implemented  The display name of its nodes.
        daemon                        implemented        Runs beside what follows, once it is ready; ended with its steps or dag.
        steps                         implemented  Groups one after the other, their members at once.
        container                     emulated     A container of an engine, or a process on the host, its image mapped by rules.
        containerSet                  implemented        Containers of one attempt, by their dependencies, in one workspace.
        script                        emulated     A container of an engine, or a process on the host, its image mapped by rules.
        resource                      emulated     By kubectl where a cluster is configured; a Workflow is a run of this machine.
        dag                           implemented  Tasks and their dependencies.
        suspend                       implemented  Waits for time or for `agg resume`.
        data                          implemented  Keys of an artifact location, transformed.
        http                          implemented  A request by agg itself.
        plugin                        emulated     Built in: aws-sns, aws-sqs, aws-lambda; else the plugins of the settings.
        volumes                       emulated     Local folders and files in the place of pod volumes.
        initContainers                implemented        Run one after the other before main.
        sidecars                      implemented        Run beside main, ended with it.
        archiveLocation               implemented  Where its artifacts go.
        activeDeadlineSeconds         implemented  Limits a leaf.
        retryStrategy                 implemented  When and how often it is tried again.
        parallelism                   implemented  Limits its active children.
        failFast                      implemented  Of a steps or dag template with parallelism.
        tolerations                   ignored      One machine: nothing to tolerate.
        schedulerName                 ignored      One machine: nothing to schedule on.
        priorityClassName             ignored      No priority classes here.
        serviceAccountName            ignored      No RBAC here.
        automountServiceAccountToken  ignored      No RBAC here.
        executor                      ignored      No executor container here.
        hostAliases                   emulated     In containers; for processes the host resolves names.
        securityContext               emulated     In containers; processes run as the user who runs agg.
        podSpecPatch                  emulated     Laid over containers and volumes; what has no meaning here is carried.
        podResources                  ignored      Pod-wide budgets have no meaning for processes.
        resourceClaims                ignored      No device claims here.
        metrics                       later        Read and checked; not exported yet.
        synchronization               implemented  Mutexes and semaphores, held over all attempts.
        memoize                       implemented  Outputs are kept and used again.
        timeout                       implemented  Limits a leaf from the start of its node.
        pendingTimeout                implemented  Limits the wait before a leaf starts.
    """,
    models.Metadata: """
        annotations  ignored  Processes carry none.
        labels       ignored  Processes carry none.
    """,
    models.ExecutorConfig: """
        serviceAccountName  ignored  No executor container here.
    """,
    models.Container: """
        name                      implemented  Of the container; `main` counts for templates.
        image                     emulated     Mapped to a host command by rules of the settings.
        command                   implemented  What runs.
        args                      implemented  Its arguments.
        workingDir                implemented  Where it runs.
        ports                     ignored      Processes bind what they bind.
        envFrom                   emulated     Variables from ConfigMap and Secret documents.
        env                       implemented  Variables.
        resources                 later        Read and kept; limits are not enforced yet.
        resizePolicy              ignored      Processes are not resized.
        restartPolicy             ignored      Only retryStrategy restarts.
        restartPolicyRules        ignored      Only retryStrategy restarts.
        volumeMounts              emulated     Local folders at those paths.
        volumeDevices             ignored      No block devices here.
        livenessProbe             ignored      Nothing restarts a process.
        readinessProbe            implemented        Of daemons: exec, httpGet, tcpSocket.
        startupProbe              ignored      Nothing restarts a process.
        lifecycle                 ignored      No kubelet runs these hooks.
        terminationMessagePath    ignored      Messages come from the exit.
        terminationMessagePolicy  ignored      Messages come from the exit.
        imagePullPolicy           emulated     In containers; nothing is pulled for processes.
        securityContext           emulated     In containers; processes run as the user who runs agg.
        stdin                     ignored      Leaves have no terminal.
        stdinOnce                 ignored      Leaves have no terminal.
        tty                       ignored      Leaves have no terminal.
    """,
    models.EnvVar: """
        name       implemented  Of the variable.
        value      implemented  Text; a number must be in quotes.
        valueFrom  emulated     From local secrets, ConfigMaps and fields of the pod.
    """,
    models.VolumeMount: """
        name               emulated  A volume of the workflow or template.
        mountPath          emulated  Where the leaf sees it.
        subPath            emulated  A part of it.
        subPathExpr        ignored   Variables are not expanded there.
        readOnly           emulated  Where the isolation can enforce it.
        recursiveReadOnly  ignored   No nested mounts here.
        mountPropagation   ignored   No nested mounts here.
    """,
    models.UserContainer: """
        mirrorVolumeMounts  implemented  As in Argo.
    """,
    models.Script: """
        source  implemented  Written to a file that the command gets as its last argument.
    """,
    models.ContainerNode: """
        dependencies  implemented  Starts when these exited with 0.
    """,
    models.ContainerSet: """
        containers     implemented  As in Argo.
        volumeMounts   implemented  As in Argo.
        retryStrategy  implemented  As in Argo.
    """,
    models.ContainerSetRetryStrategy: """
        duration  implemented  As in Argo.
        retries   implemented  As in Argo.
    """,
    models.Resource: """
        action             implemented  get, create, apply, delete, replace or patch.
        mergeStrategy      implemented  How a patch is merged.
        manifest           implemented  The object, as YAML.
        manifestFrom       implemented  The object, from an input artifact.
        setOwnerReference  emulated     A label and an annotation; a Workflow is deleted with its owner.
        successCondition   implemented  Waited for.
        failureCondition   implemented  Looked at first.
        flags              implemented  Handed to kubectl.
    """,
    models.ManifestFrom: """
        artifact  implemented  The name of an input artifact.
    """,
    models.Suspend: """
        duration  implemented  Seconds or a duration; a tag may give it.
    """,
    models.HTTP: """
        method              implemented  GET when absent.
        url                 implemented  Where to.
        headers             implemented  Sent along.
        timeoutSeconds      implemented  Of one attempt; none when absent.
        successCondition    implemented  An expression over request and response; else 2xx counts.
        body                implemented  Sent as it is.
        bodyFrom            implemented  Sent as bytes.
        insecureSkipVerify  implemented  Takes any certificate.
    """,
    models.HTTPHeader: """
        name       implemented  Of the header.
        value      implemented  Of the header.
        valueFrom  emulated     From local secrets.
    """,
    models.HTTPHeaderSource: """
        secretKeyRef  emulated  From local secrets.
    """,
    models.HTTPBodySource: """
        bytes  implemented  Base64 of the body.
    """,
    models.Data: """
        source          implemented  What is listed.
        transformation  implemented  Expressions over `data`, one after the other.
    """,
    models.DataSource: """
        artifactPaths  implemented  The keys under a location, sorted.
    """,
    models.TransformationStep: """
        expression  implemented  An expression over `data`.
    """,
    models.TemplateRef: """
        name          implemented  The WorkflowTemplate, from the files given and the local store.
        template      implemented  The template in it.
        clusterScope  implemented  Looks among ClusterWorkflowTemplates.
    """,
    models.ContinueOn: """
        error   implemented  Goes on after Error.
        failed  implemented  Goes on after Failed.
    """,
    models.Sequence: """
        count   implemented  How many; a negative one is an error.
        start   implemented  The first number.
        end     implemented  The last number, upwards or downwards.
        format  implemented  Go's printf of the number.
    """,
    models.LifecycleHook: """
        template     implemented  What runs.
        arguments    implemented  Its arguments.
        templateRef  implemented  What runs, from a WorkflowTemplate.
        expression   implemented  When it runs.
    """,
    models.WorkflowStep: """
        name          implemented  Unique in its template.
        template      implemented  What is called.
        inline        implemented  A template written in place.
        arguments     implemented  Values for its inputs.
        templateRef   implemented  What is called, from a WorkflowTemplate.
        withItems     implemented  One node for each item.
        withParam     implemented  One node for each item of a JSON list.
        withSequence  implemented  One node for each number.
        when          implemented  Skipped unless true.
        continueOn    implemented  Failures that do not stop the rest.
        onExit        implemented  Runs when it has ended.
        hooks         implemented  Run when their expression becomes true.
    """,
    models.DAGTask: """
        dependencies  implemented  Tasks that must have ended well.
        depends       implemented  A condition over the results of other tasks.
    """,
    models.DAG: """
        target    implemented  The tasks wanted; others are left out.
        tasks     implemented  At least one.
        failFast  implemented  As Argo's code does it (see the differences).
    """,
    models.RetryStrategy: """
        limit        implemented  How many times again.
        retryPolicy  implemented  After which outcomes.
        backoff      implemented  How long to wait before the next attempt.
        affinity     ignored      One machine: no other host to try.
        expression   implemented  Decides by the last attempt.
    """,
    models.Backoff: """
        duration     implemented  The first wait.
        factor       implemented  By how much it grows.
        maxDuration  implemented  How long to try at all.
        cap          implemented  The longest wait.
    """,
    models.RetryAffinity: """
        nodeAntiAffinity  ignored  One machine: no other host to try.
    """,
    models.Synchronization: """
        semaphores  implemented  Counted locks.
        mutexes     implemented  Exclusive locks.
    """,
    models.SemaphoreRef: """
        configMapKeyRef  emulated     The limit, from a ConfigMap document.
        database         emulated     The limit, from the local database.
        namespace        implemented  Part of the lock's name.
    """,
    models.SyncDatabaseRef: """
        key  emulated  The lock's name in the local database.
    """,
    models.Mutex: """
        name       implemented  The lock's name.
        namespace  implemented  Part of the lock's name.
        database   emulated     All locks are in the local database.
    """,
    models.Memoize: """
        key     implemented  Under which outputs are kept.
        cache   emulated     The name of a local cache.
        maxAge  implemented  How old they may be.
    """,
    models.Cache: """
        configMap  emulated  The name of a local cache.
    """,
    models.Metrics: """
        prometheus  later  Read and checked; not exported yet.
    """,
    models.Prometheus: """
        name       later  Read and checked.
        labels     later  Read and checked.
        help       later  Read and checked.
        when       later  Read and kept.
        gauge      later  Read and checked.
        histogram  later  Read and checked.
        counter    later  Read and checked.
    """,
    models.MetricLabel: """
        key    later  Read and checked.
        value  later  Read and checked.
    """,
    models.Counter: """
        value  later  Read and kept.
    """,
    models.Gauge: """
        value      later  Read and kept.
        realtime   later  Read and kept.
        operation  later  Read and kept.
    """,
    models.Histogram: """
        value    later  Read and kept.
        buckets  later  Read and kept.
    """,
}
