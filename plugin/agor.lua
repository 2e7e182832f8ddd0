-- Registers commands, <Plug> maps and autocommands. Requires nothing: modules are loaded by their first use.

if vim.g.loaded_agor then
  return
end
vim.g.loaded_agor = true

if vim.fn.has('nvim-0.11') == 0 then
  vim.notify('agor: needs Neovim 0.11 or newer', vim.log.levels.ERROR)
  return
end

-- Every subcommand, and with it the alias :Agor{Subcommand}; lua/agor/command.lua has a handler for each.
-- stylua: ignore
local subcommands = {
  'start', 'send', 'prompt', 'toggle', 'open', 'close', 'next', 'prev', 'interrupt', 'retry',
  'stop', 'queue', 'sessions', 'model', 'mode', 'effort', 'option', 'resume', 'fork', 'paste',
  'permit', 'grants', 'audit', 'changes', 'diff', 'export', 'login', 'worktree', 'ps', 'log',
  'trace', 'stats', 'restart', 'build', 'install',
}

---@param name string
---@param subcommand string|nil
---@param desc string
local function define(name, subcommand, desc)
  vim.api.nvim_create_user_command(name, function(opts)
    require('agor.command').run(subcommand, opts)
  end, {
    -- Neither 'bar' nor a completion for files: the rest of the line arrives byte for byte.
    nargs = '*',
    range = true,
    bang = true,
    desc = desc,
    complete = function(lead, line, cursor)
      return require('agor.command').complete(subcommand, lead, line, cursor)
    end,
  })
end

define('Agor', nil, 'agor: coding agents')
for _, subcommand in ipairs(subcommands) do
  local name = 'Agor' .. subcommand:sub(1, 1):upper() .. subcommand:sub(2)
  define(name, subcommand, 'agor: ' .. subcommand)
end

---@param modes string one letter each
---@param name string
---@param action string
---@param expr? boolean
local function plug(modes, name, action, expr)
  for mode in modes:gmatch('.') do
    -- Not vim.keymap.set(), whose checks cost as much as all the rest of this file.
    vim.api.nvim_set_keymap(mode, '<Plug>(agor-' .. name .. ')', '', {
      noremap = true,
      silent = true,
      expr = expr,
      replace_keycodes = expr,
      desc = 'agor: ' .. name,
      callback = function()
        return require('agor.keys')[action]()
      end,
    })
  end
end

for _, name in ipairs({ 'toggle', 'interrupt', 'sessions', 'permit', 'retry', 'next', 'prev' }) do
  plug('n', name, name)
end
plug('nx', 'send', 'send')
plug('nx', 'prompt', 'prompt')
plug('ni', 'paste', 'paste')
plug('n', 'send-operator', 'operator', true)

local group = vim.api.nvim_create_augroup('agor', {})

vim.api.nvim_create_autocmd('BufReadCmd', {
  group = group,
  pattern = 'agor://*',
  callback = function(event)
    require('agor.ui.transcript').read(event.buf)
  end,
})

vim.api.nvim_create_autocmd('SessionLoadPost', {
  group = group,
  callback = function()
    for _, buf in ipairs(vim.api.nvim_list_bufs()) do
      if vim.startswith(vim.api.nvim_buf_get_name(buf), 'agor://') then
        return require('agor.ui.transcript').restore()
      end
    end
  end,
})

-- A command does not learn how its range was written, and '<,'> means the exact selection where 3,5 means lines.
vim.api.nvim_create_autocmd('CmdlineLeave', {
  group = group,
  pattern = ':',
  callback = function()
    local line = vim.fn.getcmdline()
    if line:find('Agor', 1, true) then
      require('agor.range').remember(line)
    end
  end,
})
