/**
 * Milvus' keys that Redkite accepts without effect, so that a Milvus file stays valid: whole sections by their name,
 * and parts of the sections of which some keys are honoured. A key below one of these names is known; what is below
 * an honoured section and not here is reported as unknown.
 * Source: milvus `configs/milvus.yaml` and `pkg/util/paramtable` (2.3 to 3.0).
 */
export const NO_EFFECT: readonly string[] = [
  ...['etcd', 'metastore', 'tikv', 'minio', 'mq', 'woodpecker', 'pulsar', 'kafka', 'rocksmq', 'natsmq', 'mixCoord'],
  ...['queryCoord', 'queryNode', 'indexCoord', 'indexNode', 'dataCoord', 'dataNode', 'msgChannel', 'gpu', 'autoIndex'],
  ...['streaming', 'streamingNode', 'knowhere', 'credential', 'function', 'trace', 'cdc', 'cipherPlugin', 'hook'],
  ...['rootCoord', 'deltalake', 'messageStream', 'tls.clusters', 'grpc', 'localStorage', 'log.dev', 'minio', 'test'],

  ...['accessLog', 'msgStream', 'timeTickInterval', 'healthCheckTimeout', 'ginLogging', 'ginLogSkipPaths'].map(proxy),
  ...['slowQuerySpanInSeconds', 'slowLogSpanInSeconds', 'queryNodePooling', 'dclConcurrency', 'ddlConcurrency'].map(
    proxy,
  ),
  ...['dmlConcurrency', 'replicaSelectionPolicy', 'checkQueryNodeHealthInterval', 'costMetricsExpireTime'].map(proxy),
  ...[
    'retryTimesOnReplica',
    'retryTimesOnHealthCheck',
    'partitionNameRegexp',
    'skipAutoIDCheck',
    'mustUsePartitionKey',
  ].map(proxy),
  ...[
    'skipPartitionKeyCheck',
    'enableCachedServiceProvider',
    'connectionCheckIntervalSeconds',
    'workloadToleranceFactor',
  ].map(proxy),
  ...['connectionClientInfoTTLSeconds', 'maxConnectionNum', 'shardLeaderCacheInterval', 'rerankTimeout', 'grpc'].map(
    proxy,
  ),
  ...['maxTextLength', 'maxResultEntries', 'functionChain', 'defaultIndexName', 'soPath'].map(proxy),
  ...[
    'userIdleTimeout',
    'credentialInfoExpire',
    'replicateMsgChannel',
    'enablePublicPrivilege',
    'maxMsgChannelNum',
  ].map(proxy),

  ...['chanNamePrefix', 'subNamePrefix', 'defaultPartitionName', 'defaultIndexName', 'retentionDuration'].map(common),
  ...['entityExpiration', 'indexSliceSize', 'threadCoreCoefficient', 'DiskIndex', 'diskindex', 'gracefulTime'].map(
    common,
  ),
  ...['simdType', 'session', 'preCreatedTopic', 'ImportMaxFileSize', 'locks', 'ttMsgEnabled', 'traceLogMode'].map(
    common,
  ),
  ...['bloomFilterSize', 'bloomFilterType', 'maxBloomFalsePositive', 'bloomFilterApplyBatchSize', 'BeamWidthRatio'].map(
    common,
  ),
  ...['collectionReplicateEnable', 'usePartitionKeyAsClusteringKey', 'useVectorAsClusteringKey', 'cluster'].map(common),
  ...['enableVectorClusteringKey', 'localRPCEnabled', 'localRPCEnable', 'sync', 'storage', 'enabledOptimizeExpr'].map(
    common,
  ),
  ...[
    'enabledJSONKeyStats',
    'enabledGrowingSegmentJSONKeyStats',
    'enableConfigParamTypeCheck',
    'buildIndexThreadPoolRatio',
  ].map(common),
  ...['highPriorityCoefficient', 'middlePriorityCoefficient', 'lowPriorityCoefficient', 'enableNamespace'].map(common),
  ...['enablePosixMode', 'useLoonFFI', 'loadNumThreadRatio', 'searchCacheBudgetGBRatio', 'clusterPrefix'].map(common),
  ...[
    'writeBufferSize',
    'arrow',
    'threadPoolMaxThreadsSize',
    'panicWhenPluginFail',
    'minimalReplica',
    'rpcTimeout',
  ].map(common),

  ...[
    'enabled',
    'quotaCenterCollectInterval',
    'forceDenyAllDDL',
    'ddl',
    'indexRate',
    'flushRate',
    'compactionRate',
  ].map(quota),
  ...['dbRate', 'dml', 'dql', 'limitWriting', 'limitReading', 'limits.maxResourceGroupNumOfQueryNode'].map(quota),
  ...[
    'limits.maxGroupSize',
    'limits.allocRetryTimes',
    'limits.allocWaitInterval',
    'limits.complexDeleteLimitEnable',
  ].map(quota),
]

function proxy(name: string): string {
  return `proxy.${name}`
}
function common(name: string): string {
  return `common.${name}`
}
function quota(name: string): string {
  return `quotaAndLimits.${name}`
}
