-- Completion plugins in a prompt: they are fed and open the menu, ours stays closed. The plugins are stand-ins with the
-- functions that their documentation names.

local child = require('support.child')
local test, equal, lacks = child.test, child.equal, child.lacks

local T = {}

local SHOWN = 'vim.fn.pumvisible() == 1'

local BLINK = [[
  T.blink = { providers = {}, filetypes = {} }
  package.loaded['blink.cmp'] = {
    add_source_provider = function(id, config)
      assert(not T.blink.providers[id], 'Provider already exists')
      T.blink.providers[id] = config
    end,
    add_filetype_source = function(filetype, id)
      table.insert(T.blink.filetypes, { filetype, id })
    end,
  }
]]

local CMP = [[
  T.cmp = { sources = {}, config = { enabled = function() return T.cmp_on ~= false end, sources = { { name = 'buffer' } } } }
  package.loaded['cmp'] = {
    register_source = function(name, source) T.cmp.sources[name] = source end,
    get_config = function() return T.cmp.config end,
    setup = { buffer = function(config) T.cmp.config = vim.tbl_extend('force', T.cmp.config, config) end },
  }
]]

local function open(nvim)
  nvim:lua([[
    T.results_of.find_files = function(params)
      return { paths = { 'src/main.rs', 'a b/' }, total = 2, more = false }
    end
    T.session("s1", { capabilities = { commands = { { id = 'review', description = 'looks' } } } })
    require("agor.ui.prompt").focus("s1")
  ]])
  nvim:settle()
end

local ITEMS = [[
  local done
  local source = ...
  require('agor.completion.engines').items(0, function(found) T.found = found end)
]]

T['blink.cmp is given a source of our filetype and opens the menu'] = test(nil, function(nvim)
  nvim:lua(BLINK)
  open(nvim)
  equal(
    nvim:get('T.blink.providers'),
    { agor = { name = 'agor', module = 'agor.completion.blink', score_offset = 100 } }
  )
  equal(nvim:get('T.blink.filetypes'), { { 'agor-prompt', 'agor' } })
  nvim:type('/re')
  nvim:type('<C-u>see @ma')
  equal(nvim:get(SHOWN), false)
  equal(nvim:get('T.told("find_files")'), {})
  nvim:lua([[
    local source = require('agor.completion.blink').new()
    T.enabled, T.signs = source:enabled(), source:get_trigger_characters()
    source:get_completions({ bufnr = 0 }, function(response) T.found = response end)
  ]])
  nvim:settle()
  equal({ nvim:get('T.enabled'), nvim:get('T.signs') }, { true, { '@', '#', '/' } })
  equal(nvim:get('{ T.found.is_incomplete_forward, #T.found.items }'), { true, 2 })
  local first = nvim:get('T.found.items[1]')
  equal({ first.label, first.filterText, first.textEdit.newText }, {
    'src/main.rs',
    '@src/main.rs',
    '@src/main.rs ',
  })
  equal(first.textEdit.range, {
    start = { line = 0, character = 4 },
    ['end'] = { line = 0, character = 7 },
  })
  equal(nvim:get('T.found.items[2].textEdit.newText'), '@"a b/')
  -- Not twice, and our own menu where it is switched off.
  nvim:type('<Esc>a')
  equal(nvim:get('#T.blink.filetypes'), 1)
  nvim:lua('vim.b.completion = false')
  nvim:type(' @ma')
  nvim:wait(SHOWN)
end)

T['a cancelled question of blink.cmp is not answered'] = test(nil, function(nvim)
  nvim:lua(BLINK)
  open(nvim)
  nvim:type('@m')
  nvim:lua([[
    local source = require('agor.completion.blink').new()
    source:get_completions({ bufnr = 0 }, function() T.found = true end)()
  ]])
  nvim:settle()
  equal(nvim:get('T.found == nil'), true)
end)

T['an older blink.cmp that cannot be told of us leaves the menu to us'] = test(nil, function(nvim)
  nvim:lua('package.loaded["blink.cmp"] = { show = function() end }')
  open(nvim)
  nvim:type('@ma')
  nvim:wait(SHOWN)
end)

T['nvim-cmp has our source first among its own'] = test(nil, function(nvim)
  nvim:lua(CMP)
  open(nvim)
  equal(nvim:get('T.cmp.config.sources'), { { name = 'agor' }, { name = 'buffer' } })
  nvim:type('/re')
  equal(nvim:get(SHOWN), false)
  nvim:lua([[
    local source = T.cmp.sources.agor
    T.about = { source:is_available(), source:get_position_encoding_kind() }
    T.pattern = vim.fn.matchstr('see @src/ma', source:get_keyword_pattern() .. '$')
    source:complete({ context = { bufnr = 0 } }, function(response) T.found = response end)
  ]])
  equal(nvim:get('T.about'), { true, 'utf-8' })
  equal(nvim:get('T.pattern'), '@src/ma')
  local labels = nvim:get('vim.tbl_map(function(i) return i.label end, T.found.items)')
  equal({ labels, nvim:get('T.found.isIncomplete') }, { { '/review', '/resume' }, false })
  equal(nvim:get('T.found.items[1].textEdit.newText'), '/review')
  -- Switched off for this buffer it is not there.
  nvim:lua('T.cmp_on = false')
  nvim:type('<C-u>/re')
  nvim:wait(SHOWN)
end)

T["'autocomplete' opens the menu where Neovim has it, and is given files when they are there"] = test(
  nil,
  function(nvim)
    local has = nvim:get('vim.fn.exists("+autocomplete") == 1')
    if has then
      nvim:cmd('set autocomplete')
    end
    open(nvim)
    nvim:type('@ma')
    nvim:wait(SHOWN)
    local complete = nvim:get('vim.bo.complete')
    equal(vim.startswith(complete, 'o,'), has)
    nvim:type('<C-n><C-y>')
    equal(nvim:get('vim.api.nvim_get_current_line():sub(1, 12)'), '@src/main.rs')
    nvim:type('<C-u>why #dia')
    nvim:wait(SHOWN)
    nvim:type('<C-n><C-y>')
    equal(nvim:get('vim.api.nvim_get_current_line():sub(1, 16)'), 'why #diagnostics')
  end
)

T['where nothing can be completed nothing is given'] = test(nil, function(nvim)
  nvim:lua(CMP)
  open(nvim)
  for _, text in ipairs({ 'words', 'a@b', '! ls' }) do
    nvim:type('<C-u>' .. text)
    nvim:lua('T.found = nil ' .. ITEMS)
    equal(nvim:get('T.found'), { items = {}, incomplete = false }, text)
  end
  lacks(nvim:screen(), 'src/main.rs')
end)

return T
