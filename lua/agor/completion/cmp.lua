-- The source for nvim-cmp: what can be completed in a prompt. It is registered by itself, under the name `agor`.

local source = {}

---@return boolean
function source:is_available()
  return vim.bo.filetype == 'agor-prompt'
end

---@return string
function source:get_debug_name()
  return 'agor'
end

---@return string
function source:get_position_encoding_kind()
  return 'utf-8'
end

---@return string a word with its sign, up to the cursor
function source:get_keyword_pattern()
  return [[[@#/]\S*]]
end

---@return string[]
function source:get_trigger_characters()
  return require('agor.completion.engines').signs
end

---@param params { context: { bufnr: integer } }
---@param callback fun(response: table)
function source:complete(params, callback)
  require('agor.completion.engines').items(params.context.bufnr, function(found)
    callback({ items = found.items, isIncomplete = found.incomplete })
  end)
end

return source
