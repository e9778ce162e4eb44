// Loaded before the emulator's Node worker, which looks for a handler in .js and .mjs; Lambda's own runtime takes .cjs too.
require.extensions['.cjs'] = require.extensions['.js'];
