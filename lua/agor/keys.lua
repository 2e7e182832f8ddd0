-- What the <Plug> maps of plugin/agor.lua do. Knows modes and counts; the rest is in the modules that it calls.

local context = require('agor.context')
local send = require('agor.send')

local M = {}

---@return agor.Selection
local function taken()
  if vim.fn.mode():match('^[vV\22]') then
    return context.visual()
  end
  local line = vim.fn.line('.')
  return context.lines(vim.api.nvim_get_current_buf(), line, line + vim.v.count1 - 1)
end

function M.send()
  send.send(nil, taken())
end

function M.prompt()
  -- In normal mode the map opens the prompt; only a selection is attached.
  local visual = vim.fn.mode():match('^[vV\22]')
  send.draft(nil, visual and context.visual() or nil)
end

---@return string
function M.operator()
  return send.operator()
end

--- In a prompt the cursor and the mode stay as they are.
function M.paste()
  require('agor.command').run('paste', { args = '', range = 0, line1 = 1, line2 = 1, bang = false })
end

for _, name in ipairs({ 'toggle', 'interrupt', 'sessions', 'permit', 'retry', 'next', 'prev' }) do
  M[name] = function()
    require('agor.command').run(name, { args = '', range = 0, line1 = 1, line2 = 1, bang = false })
  end
end

return M
