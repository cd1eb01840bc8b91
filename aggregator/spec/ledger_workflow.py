"""Ledger rows of the documents themselves: what each field of a workflow, cron workflow or event binding means here."""

from aggregator.spec import models

ROWS = {
    models.Workflow: """
        apiVersion      implemented  Must be argoproj.io/v1alpha1; anything else gets a warning.
        kind            implemented  Tells how the rest is read.
        metadata        implemented  Name, labels and annotations of the run.
        spec            implemented  What the run does.
        status          ignored      What a cluster wrote there; a run here makes its own.
    """,
    models.WorkflowTemplate: """
        apiVersion      implemented  Must be argoproj.io/v1alpha1; anything else gets a warning.
        kind            implemented  Tells how the rest is read.
        metadata        implemented  The name by which references find it.
        spec            implemented  Templates to refer to, or a whole workflow to run.
    """,
    models.ClusterWorkflowTemplate: """
        apiVersion      implemented  Must be argoproj.io/v1alpha1; anything else gets a warning.
        kind            implemented  Tells how the rest is read.
        metadata        implemented  The name by which references with clusterScope find it.
        spec            implemented  Templates to refer to, or a whole workflow to run.
    """,
    models.CronWorkflow: """
        apiVersion      implemented  Must be argoproj.io/v1alpha1; anything else gets a warning.
        kind            implemented  Tells how the rest is read.
        metadata        implemented  The name from which runs are named.
        spec            implemented  `agg run` runs its workflowSpec once, now.
        status          ignored      What a cluster wrote there.
    """,
    models.WorkflowEventBinding: """
        apiVersion      implemented  Must be argoproj.io/v1alpha1; anything else gets a warning.
        kind            implemented  Tells how the rest is read.
        metadata        implemented  Its name.
        spec            later        Read and checked; events come with the server.
    """,
    models.ConfigMap: """
        apiVersion      implemented  Read, not checked.
        kind            implemented  Tells how the rest is read.
        metadata        implemented  The name and labels by which it is found.
        data            implemented  Values for parameters, semaphores and volumes.
        binaryData      emulated     Files of volumes.
        immutable       ignored      Documents do not change during a run anyway.
    """,
    models.Secret: """
        apiVersion      implemented  Read, not checked.
        kind            implemented  Tells how the rest is read.
        metadata        implemented  The name by which it is found.
        data            emulated     A local source of secret values, base64 as in Kubernetes.
        stringData      emulated     The same as plain text; it wins over data.
        type            ignored      All secrets are maps of keys here.
        immutable       ignored      Documents do not change during a run anyway.
    """,
    models.PersistentVolumeClaim: """
        apiVersion      implemented  Read, not checked.
        kind            implemented  Tells how the rest is read.
        metadata        implemented  The name by which volumes find it.
        spec            ignored      Size and class have no meaning for a local folder.
        status          ignored      What a cluster wrote there.
    """,
    models.ObjectMeta: """
        name                        implemented  The run's name, or the name by which it is referred to.
        generateName                implemented  A prefix; five characters from the run's seed follow.
        namespace                   emulated     A label of the run; `default` when absent.
        labels                      implemented  Kept with the run, visible as workflow.labels.
        annotations                 implemented  Kept with the run, visible as workflow.annotations; a title is shown.
        uid                         ignored      Each run gets its own.
        creationTimestamp           ignored      The moment of submission counts.
        resourceVersion             ignored      There is no API server.
        generation                  ignored      There is no API server.
        selfLink                    ignored      There is no API server.
        deletionTimestamp           ignored      There is no API server.
        deletionGracePeriodSeconds  ignored      There is no API server.
        finalizers                  ignored      There is no API server.
        ownerReferences             ignored      There is no API server.
        managedFields               ignored      There is no API server.
    """,
    models.WorkflowSpec: """
        templates                     implemented  The building blocks; their names are unique.
        entrypoint                    implemented  The template that a run starts with.
        arguments                     implemented  Inputs of the entrypoint, and globals.
        serviceAccountName            ignored      No RBAC here; workflow.serviceAccountName keeps the text.
        automountServiceAccountToken  ignored      No RBAC here.
        executor                      ignored      No executor container here.
        volumes                       emulated     Local folders and files in the place of pod volumes.
        volumeClaimTemplates          emulated     A folder per run and claim.
        parallelism                   implemented  Limits active leaves; HTTP leaves count too (see the differences).
        artifactRepositoryRef         implemented  A repository that a ConfigMap holds.
        suspend                       implemented  The run starts paused.
        nodeSelector                  ignored      One machine: nothing to select.
        affinity                      ignored      One machine: nothing to select.
        tolerations                   ignored      One machine: nothing to tolerate.
        imagePullSecrets              ignored      Images are pulled with the container engine's own login.
        hostNetwork                   ignored      Processes are on the host's network already.
        dnsPolicy                     ignored      The host resolves names.
        dnsConfig                     ignored      The host resolves names.
        onExit                        implemented  Runs at the end, whatever the outcome.
        ttlStrategy                   later        Read and kept; a finished run is not yet removed by age.
        activeDeadlineSeconds         implemented  Limits the whole run; exit handlers are exempt.
        priority                      implemented  Order of waiting for locks; visible as workflow.priority.
        schedulerName                 ignored      One machine: nothing to schedule on.
        podGC                         later        Read and kept; folders of attempts are not yet removed by it.
        podPriorityClassName          ignored      No priority classes here.
        hostAliases                   emulated     In containers; for processes the host resolves names.
        securityContext               emulated     In containers; processes run as the user who runs agg.
        podSpecPatch                  emulated     Laid over containers and volumes; what has no meaning here is carried.
        podDisruptionBudget           ignored      Nothing here evicts.
        podResources                  ignored      Pod-wide budgets have no meaning for processes.
        resourceClaims                ignored      No device claims here.
        metrics                       later        Read and checked; not exported yet.
        shutdown                      implemented  Stop or Terminate, as set by commands.
        workflowTemplateRef           implemented  Runs a stored spec; fields given here win.
        synchronization               implemented  Mutexes and semaphores of the whole run, between all processes on this machine.
        volumeClaimGC                 emulated     When the folders of claims are removed.
        retryStrategy                 implemented  For every template without one of its own.
        podMetadata                   ignored      Processes carry no labels.
        templateDefaults              implemented  Laid under every template.
        archiveLogs                   implemented  The output of main is the artifact main-logs.
        hooks                         implemented  Life-cycle hooks of the whole run.
        workflowMetadata              implemented  Labels and annotations for the run.
        artifactGC                    implemented  When artifacts are removed, unless they say so themselves.
        executorPlugins               ignored      No plugin sidecars here; plugins are named in the settings.
    """,
    models.WorkflowTemplateRef: """
        name          implemented  The stored workflow, from the files given and the local store.
        clusterScope  implemented  Looks among ClusterWorkflowTemplates.
    """,
    models.TTLStrategy: """
        secondsAfterCompletion  later  Read and kept.
        secondsAfterSuccess     later  Read and kept.
        secondsAfterFailure     later  Read and kept.
    """,
    models.PodGC: """
        strategy             later    Read and checked.
        labelSelector        ignored  Attempts have no pod labels.
        deleteDelayDuration  later    Read and kept.
    """,
    models.VolumeClaimGC: """
        strategy  emulated  OnWorkflowCompletion or OnWorkflowSuccess, for the folders of claims.
    """,
    models.WorkflowLevelArtifactGC: """
        forceFinalizerRemoval  emulated  A run is deleted even if one of its artifacts cannot be.
        podSpecPatch           ignored   No pod does the clean-up.
    """,
    models.ArtifactGC: """
        strategy            implemented  OnWorkflowCompletion, OnWorkflowDeletion or Never.
        podMetadata         ignored      No pod does the clean-up.
        serviceAccountName  ignored      No pod does the clean-up.
    """,
    models.ArtifactRepositoryRef: """
        configMap  implemented  The ConfigMap, a document of the file or of --with; artifact-repositories where it is not named.
        key        implemented  Its entry; the one that its annotation names where it is not named.
    """,
    models.WorkflowMetadata: """
        labels       implemented  Added to the run.
        annotations  implemented  Added to the run.
        labelsFrom   implemented  Labels from expressions over globals.
    """,
    models.LabelValueFrom: """
        expression  implemented  Must give text.
    """,
    models.CronWorkflowSpec: """
        workflowSpec                implemented  What runs.
        schedules                   later        Checked; use the system's cron or timer meanwhile.
        concurrencyPolicy           later        Checked; `--lock` does it for the system's cron.
        suspend                     later        Read and kept.
        startingDeadlineSeconds     later        Read and kept.
        successfulJobsHistoryLimit  later        Read and kept.
        failedJobsHistoryLimit      later        Read and kept.
        timezone                    later        Checked.
        workflowMetadata            implemented  Labels and annotations for its runs.
        stopStrategy                later        Read and kept.
        when                        later        Read and kept.
    """,
    models.StopStrategy: """
        expression  later  Read and kept.
    """,
    models.WorkflowEventBindingSpec: """
        event   later  Read and kept.
        submit  later  Read and kept.
    """,
    models.Event: """
        selector  later  Read and kept.
    """,
    models.Submit: """
        workflowTemplateRef  later  Read and kept.
        metadata             later  Read and kept.
        arguments            later  Read and kept.
    """,
}
