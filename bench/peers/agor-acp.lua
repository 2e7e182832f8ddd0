-- The same plugin with an agent of the Agent Client Protocol.
vim.env.BENCH_PROTOCOL = 'acp'
dofile(vim.env.BENCH_ROOT .. '/peers/agor.lua')
