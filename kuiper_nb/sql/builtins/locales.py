"""Decimal numbers as people of a region write them: which marks group and divide the digits."""

from __future__ import annotations

from ...errors import RowFault

_SPACE = "\u00a0"
_COMMA_POINT, _POINT_COMMA, _SPACE_COMMA, _QUOTE_POINT = (",", "."), (".", ","), (_SPACE, ","), ("’", ".")

_REGIONS = {
    _COMMA_POINT: """
        ar_AE ar_BH ar_EG ar_IQ ar_JO ar_KW ar_OM ar_QA ar_SA ar_SD ar_SY ar_YE en_AU en_CA en_GB en_HK en_IE en_IN
        en_NZ en_PH en_SG en_US en_ZW es_DO es_GT es_HN es_MX es_NI es_PA es_PE es_PR es_SV es_US gu_IN he_IL hi_IN
        ja_JP ko_KR mn_MN ms_MY no_NO ta_IN te_IN th_TH ur_PK zh_CN zh_HK zh_SG zh_TW""",
    _POINT_COMMA: """
        ar_DZ ar_LB ar_LY ar_MA ar_TN ca_ES da_DK de_BE de_DE de_LU el_GR es_AR es_BO es_CL es_CO es_EC es_ES es_PY
        es_UY es_VE eu_ES fo_FO fr_LU gl_ES hr_HR id_ID is_IS it_IT mk_MK nl_BE nl_NL pt_BR ro_RO sl_SI sr_RS tr_TR
        vi_VN""",
    _SPACE_COMMA: """
        be_BY bg_BG cs_CZ de_AT en_ZA es_CR et_EE fi_FI fr_BE fr_CA fr_CH fr_FR hu_HU lt_LT lv_LV nb_NO pl_PL pt_PT
        ru_RU ru_UA sk_SK sq_AL sv_FI sv_SE uk_UA""",
    _QUOTE_POINT: "de_CH de_LI it_CH rm_CH",
}
_MARKS = {locale: marks for marks, locales in _REGIONS.items() for locale in locales.split()}
_MARKS["ar_IN"] = ("٬", "٫")
_OWN_DIGITS = {"ar_IN": str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")}
_LAKH = frozenset(("en_IN", "gu_IN", "hi_IN", "ta_IN", "te_IN"))  # 12,34,567


def localized(plain: str, locale: str) -> str:
    """A plain decimal number with the marks of *locale* (language_REGION). Raises RowFault for one not known."""
    if locale not in _MARKS:
        raise RowFault(f"not support for the specific locale:{locale}")
    group, point = _MARKS[locale]
    sign = "-" if plain.startswith("-") else ""
    whole, dot, fraction = plain.removeprefix("-").partition(".")
    if not whole.isdigit():
        return plain
    head, last = whole[:-3], whole[-3:]
    width = 2 if locale in _LAKH else 3
    groups = [head[max(end - width, 0) : end] for end in range(len(head), 0, -width)][::-1]
    shown = sign + group.join([*groups, last]) + (point + fraction if dot else "")
    return shown.translate(_OWN_DIGITS.get(locale, {}))
