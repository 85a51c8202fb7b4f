/**
 * The Milvus line that this server announces in GetVersion and Connect (`build_tags`). Dashboards parse
 * `vMAJOR.MINOR`; it says which protocol line the server speaks, not which Milvus it is.
 */
export const MILVUS_VERSION = 'v2.6.22'
