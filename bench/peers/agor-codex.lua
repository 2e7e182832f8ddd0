-- The same plugin with an agent that speaks as `codex app-server` does.
vim.env.BENCH_PROTOCOL = 'codex'
dofile(vim.env.BENCH_ROOT .. '/peers/agor.lua')
