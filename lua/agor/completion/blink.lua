-- The source for blink.cmp: what can be completed in a prompt. It is added by itself; by hand it is
-- `sources.providers.agor = { name = 'agor', module = 'agor.completion.blink' }`.

---@class agor.BlinkSource
local source = {}

---@return agor.BlinkSource
function source.new()
  return setmetatable({}, { __index = source })
end

---@return boolean
function source:enabled()
  return vim.bo.filetype == 'agor-prompt'
end

---@return string[]
function source:get_trigger_characters()
  return require('agor.completion.engines').signs
end

---@param context { bufnr: integer }
---@param callback fun(response: table)
---@return fun() cancel
function source:get_completions(context, callback)
  local cancelled = false
  require('agor.completion.engines').items(context.bufnr, function(found)
    if not cancelled then
      callback({
        items = found.items,
        is_incomplete_forward = found.incomplete,
        is_incomplete_backward = found.incomplete,
      })
    end
  end)
  return function()
    cancelled = true
  end
end

return source
