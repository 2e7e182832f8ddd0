-- `vim.ui.select` and `vim.ui.input` as the plugin asks by them: whatever an agent has called something, a line of the list is
-- a line and the prompt stays the first thing that is read. Knows no choices.

local cells = require('agor.ui.cells')

local M = {}

---@class agor.PickOpts
---@field prompt string
---@field kind? string for who shows lists in another way
---@field format_item? fun(item: any): string

---@generic T
---@param items T[]
---@param opts agor.PickOpts
---@param chosen fun(item: T|nil, index: integer|nil)
function M.one(items, opts, chosen)
  local format = opts.format_item or tostring
  vim.ui.select(items, {
    prompt = cells.clean(opts.prompt),
    kind = opts.kind,
    format_item = function(item)
      return cells.clean(format(item))
    end,
  }, chosen)
end

---Neovim takes the default as if it were typed: a <C-r> in somebody's title would ask for an expression.
---@param opts { prompt: string|nil, default?: string }
---@param done fun(text: string|nil)
function M.line(opts, done)
  local default = opts.default and cells.clean(opts.default)
  vim.ui.input({ prompt = cells.clean(opts.prompt or ''), default = default }, done)
end

return M
