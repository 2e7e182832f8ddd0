--- Highlight groups: each has a look in every scheme, and the user's own wins.

local child = require('support.child')
local test, equal = child.test, child.equal

local T = {}

local root = vim.fs.dirname(
  vim.fs.dirname(vim.fs.dirname(vim.fn.fnamemodify(debug.getinfo(1, 'S').source:sub(2), ':p')))
)

---@return string
local function read(path)
  local file = assert(io.open(root .. '/' .. path))
  local text = file:read('*a')
  file:close()
  return text
end

local SCHEMES = { 'default', 'habamax', 'retrobox', 'quiet', 'morning', 'lunaperche', 'default' }

--- What is wrong with our groups, one line each. Only old schemes have groups that are not to be linked to.
local WRONG = [[(function(mended)
  local h, out = require('agor.highlight'), {}
  local function luma(rgb)
    return 0.3 * math.floor(rgb / 65536) + 0.59 * (math.floor(rgb / 256) % 256) + 0.11 * (rgb % 256)
  end
  local paper = luma(vim.api.nvim_get_hl(0, { name = 'Normal', link = false }).bg)
  for name, target in pairs(h.links) do
    local own = vim.api.nvim_get_hl(0, { name = name })
    if own.link ~= target and not mended then
      out[#out + 1] = name .. ' is no link to ' .. target
    end
    local shown = vim.api.nvim_get_hl(0, { name = name, link = false })
    if shown.fg and not shown.bg and math.abs(luma(shown.fg) - paper) < 32 then
      out[#out + 1] = name .. ' is hardly to be seen'
    end
    -- "@markup.heading.1" is "@markup.heading" where a scheme does not tell them apart.
    if vim.fn.hlexists((target:gsub('%.%d$', ''))) == 0 then
      out[#out + 1] = target .. ' does not exist'
    end
  end
  for name in pairs(h.tints) do
    local own = vim.api.nvim_get_hl(0, { name = name })
    local normal = vim.api.nvim_get_hl(0, { name = 'Normal', link = false })
    if own.link or not own.bg or own.bg == normal.bg then
      out[#out + 1] = name .. ' is no background'
    end
  end
  return out
end)(...)]]

T['every group links to one that every scheme has, or is a background of its own'] = test(
  nil,
  function(nvim)
    nvim:cmd('set termguicolors')
    nvim:lua('require("agor.highlight").setup()')
    for _, scheme in ipairs(SCHEMES) do
      nvim:cmd('colorscheme ' .. scheme)
      equal(nvim:get(WRONG, scheme == 'morning'), {}, scheme)
    end
  end
)

T['a group of the users own is left alone, whenever it was made'] = test(nil, function(nvim)
  local own =
    '{ vim.api.nvim_get_hl(0, { name = "AgorDim" }).fg, vim.api.nvim_get_hl(0, { name = "AgorCodeBlock" }).bg }'
  local set = [[
    vim.api.nvim_set_hl(0, 'AgorDim', { fg = '#123456' })
    vim.api.nvim_set_hl(0, 'AgorCodeBlock', { bg = '#654321' })
  ]]
  nvim:lua(set .. 'require("agor.highlight").setup()')
  equal(nvim:get(own), { 0x123456, 0x654321 })
  nvim:cmd('set background=light')
  equal(nvim:get(own), { 0x123456, 0x654321 })
  nvim:cmd('colorscheme habamax')
  nvim:lua(set)
  nvim:cmd('set termguicolors')
  equal(nvim:get(own), { 0x123456, 0x654321 })
end)

T['backgrounds follow the scheme and its background'] = test(nil, function(nvim)
  nvim:lua([[
    vim.o.termguicolors = true
    require('agor.highlight').setup()
    function _G.Light(name)
      local bg = vim.api.nvim_get_hl(0, { name = name, link = false }).bg
      return math.floor(bg / 65536) + math.floor(bg / 256) % 256 + bg % 256 > 3 * 128
    end
  ]])
  local names = vim.tbl_keys(nvim:get('require("agor.highlight").tints'))
  for _, command in ipairs({
    'set background=light',
    'set background=dark',
    'colorscheme morning',
    'colorscheme habamax',
  }) do
    nvim:cmd(command)
    for _, name in ipairs(names) do
      equal(nvim:get('Light(...)', name), nvim:get('Light("Normal")'), command .. ' ' .. name)
    end
  end
end)

T['a float that asks has the background of floats, in the next scheme too'] = test(
  nil,
  function(nvim)
    nvim:lua('require("agor.highlight").setup()')
    for _, command in ipairs({
      'set background=light',
      'colorscheme retrobox',
      'colorscheme default',
    }) do
      nvim:cmd(command)
      equal(
        nvim:get('vim.api.nvim_get_hl(0, { name = "AgorTitleAsk" }).bg'),
        nvim:get('vim.api.nvim_get_hl(0, { name = "NormalFloat", link = false }).bg'),
        command
      )
    end
  end
)

T['the title of a float stands on its background, or on the one that the scheme gives titles'] = test(
  nil,
  function(nvim)
    nvim:lua([[
      require('agor.highlight').setup()
      function Ground(name)
        return vim.api.nvim_get_hl(0, { name = name, link = false }).bg
      end
    ]])
    equal(nvim:get('Ground("AgorFloatTitle") ~= nil'), true)
    equal(nvim:get('Ground("AgorFloatTitle")'), nvim:get('Ground("NormalFloat")'))
    nvim:cmd('hi FloatTitle guibg=#123456 | doautocmd ColorScheme')
    equal(nvim:get('Ground("AgorFloatTitle")'), 0x123456)
    nvim:cmd('colorscheme retrobox')
    local want = nvim:get('Ground("FloatTitle")')
    want = want ~= vim.NIL and want or nvim:get('Ground("NormalFloat")')
    equal(nvim:get('Ground("AgorFloatTitle")'), want)
  end
)

T['without termguicolors what matters less is dim in the default scheme'] = test(nil, function(nvim)
  nvim:cmd('set notermguicolors')
  nvim:lua('require("agor.highlight").setup()')
  local dim = 'vim.api.nvim_get_hl(0, { name = "AgorDim" })'
  equal(nvim:get(dim .. '.ctermfg'), 247)
  -- A scheme that has a colour for it is obeyed.
  nvim:cmd('colorscheme habamax')
  equal(nvim:get(dim .. '.link'), 'Comment')
  nvim:cmd('colorscheme default')
  equal(nvim:get(dim .. '.ctermfg'), 247)
  nvim:cmd('set termguicolors')
  equal(nvim:get(dim .. '.link'), 'Comment')
end)

T['few colours are used as what they are'] = test(nil, function(nvim)
  nvim:lua([[
    require('agor.highlight').setup()
    local eval = vim.fn.eval
    vim.fn.eval = function(text)
      return text == '&t_Co' and Colours or eval(text)
    end
  ]])
  for _, case in ipairs({
    { colours = '256', word = 22, code = 235, dim = 247 },
    { colours = '16', word = 2, dim = 8 },
    { colours = '8', word = 2 },
    { colours = '256', word = 22, code = 235, dim = 247 },
  }) do
    nvim:lua('Colours = ... vim.api.nvim_exec_autocmds("UIEnter", {})', case.colours)
    for _, want in ipairs({
      { 'AgorDiffAddWord', 'ctermbg', case.word },
      { 'AgorCodeBlock', 'ctermbg', case.code },
      { 'AgorDim', 'ctermfg', case.dim },
    }) do
      local got = nvim:get('vim.api.nvim_get_hl(0, { name = ..., link = false })', want[1])
      equal(got[want[2]], want[3], ('%s with %s colours'):format(want[1], case.colours))
    end
  end
end)

T['the help lists every group with what it links to, and the backend names no other'] = function()
  local highlight = dofile(root .. '/lua/agor/highlight.lua')
  local want = vim.tbl_extend('error', highlight.links, highlight.on_float)
  for name in pairs(highlight.tints) do
    want[name] = '-'
  end
  for _, name in ipairs(highlight.plain) do
    want[name] = '-'
  end
  local listed = {}
  local help = read('doc/agor.txt'):match('HIGHLIGHTS%s+%*agor%-highlights%*(.-)\n====')
  for name, target in help:gmatch('\n    (Agor%w+) +(%S+)') do
    assert(help:find('*hl-' .. name .. '*', 1, true), name .. ' has no tag')
    listed[name] = target
  end
  equal(listed, want)
  local used = 0
  for path, kind in vim.fs.dir(root .. '/src', { depth = 10 }) do
    if kind == 'file' and path:match('%.rs$') then
      for name in read('src/' .. path):gmatch('"(Agor%u%w*)"') do
        used = used + 1
        assert(
          want[name],
          ('%s names %s, which is in neither lua/agor/highlight.lua nor the help'):format(
            path,
            name
          )
        )
      end
    end
  end
  assert(used > 20, 'the renderer names its groups')
  -- What nobody draws with is no promise of ours.
  local code = {}
  for _, folder in ipairs({ 'src', 'lua' }) do
    for path, kind in vim.fs.dir(root .. '/' .. folder, { depth = 10 }) do
      if kind == 'file' and path ~= 'agor/highlight.lua' then
        code[#code + 1] = read(folder .. '/' .. path)
      end
    end
  end
  local text = table.concat(code, '\n')
  for name in pairs(want) do
    assert(text:find(name .. '%f[%W]'), name .. ' is not used')
  end
end

return T
